"""The cards of the editor: the fields of each tab, made from the schemas of a stage and its processor.

What was typed is kept as it is, also where it does not fit: the checks of the whole definition say what is
wrong. A field that was not changed leaves the document as it is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.transforms.lists import TRANSFORMS
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.schemas import JsonField, LinesField, resolved, value_field
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.editing import GONE, Document, stage_in, stages_in, value_at, with_value
from pipelines.engine.options import OptionFormat
from pipelines.engine.problems import Keys, Problem, path_text
from pipelines.engine.processors import PROCESSORS

TRIED = "tried"
TABS = {
    "does": "What it does",
    "input": "Input",
    "output": "Output",
    "fails": "If it fails",
    "yaml": "YAML",
    TRIED: "Last try",
}
TAB_OF = {
    **dict.fromkeys(("input", "variables"), "input"),
    "output": "output",
    **dict.fromkeys(("on_error", "optional", "retry", "timeout", "cache", "error_handling"), "fails"),
}
"""The tab of each field of a stage and of a pipeline; of all others, what it does."""
ELSEWHERE = {"id", "name", "schema_version", "stages"}
"""What has no field on a card: names are changed by their own form."""
GROUPS = {"retry": "Try again", "cache": "Use an earlier result", "error_handling": "When a stage fails"}
FOLDED = {"when", "needs", "join", "quorum", "parallel"}
MOST_ROWS, TEXT_ROWS, CODE_ROWS, LONG_TEXT = 24, 5, 3, 1_000
LARGEST = 1e15
"""Numbers that are larger are kept as they were typed."""
OTHER, AT_ONCE = ":other", ":at-once"
"""What stands for a value that is typed, and for `needs: []`."""
SOURCES, DESTINATIONS, RULES, NEEDS, LATER, PIPELINES = (
    "from",
    "to",
    "on_error",
    "needs",
    "later",
    "pipelines",
)
OFFERS = {
    **dict.fromkeys((OptionFormat.SOURCE, OptionFormat.SOURCES, "from"), SOURCES),
    **{name: name for name in (DESTINATIONS, RULES, NEEDS)},
    OptionFormat.STAGE: LATER,
    OptionFormat.PIPELINE: PIPELINES,
}
"""What is offered at a field, by its format or its name."""
_UNFIT_FOR_ID = Pattern(r"[^a-zA-Z0-9_]+")
Choices = Sequence[tuple[str, str]]


class ChoiceOrOther(forms.Select):
    """A choice of what may stand at a field, with a line for what else its language allows."""

    def __init__(self, choices: Choices, label: str) -> None:
        super().__init__(attrs={"class": "form-select"}, choices=[*choices, (OTHER, "Other…")])
        line = {"class": "form-control code-input if-other", "dir": "auto", "autocomplete": "off"}
        self.line = forms.TextInput(attrs={**line, "aria-label": f"{label}: other"})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:  # noqa: ANN401
        """Return the choice and the line, which has the value in any case."""
        known = value if any(value == each for each, _ in self.choices) else OTHER
        line = self.line.render(f"{name}{OTHER}", value, {**attrs, "id": f"{attrs['id']}-other"})
        return super().render(name, known, attrs, renderer) + line

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ANN401  # as Django has it
        """Return what was chosen, or what was typed."""
        chosen = super().value_from_datadict(data, files, name)
        return data.get(f"{name}{OTHER}") if chosen == OTHER else chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class CardField:
    """A field for one value of a stage, or of the pipeline; `place` leads to it.

    `made` is the field that its schema describes, `half` which part of a transform it is for. A text area has
    so many `rows` at least, and grows; without rows it is a line.
    """

    card: Card
    place: Keys
    made: forms.Field
    offers: str = ""
    half: Literal["", "name", "with"] = ""
    rows: int = 0
    group: str = ""
    placeholder: str = ""

    @property
    def name(self) -> str:
        """The name in the form, as in `options.cases[0].when`."""
        return path_text(self.place) + (":with" if self.half == "with" else "")

    @property
    def id(self) -> str:
        """The id of its element."""
        return "field-" + _UNFIT_FOR_ID.sub("-", self.name)

    @property
    def kind(self) -> str:
        """How it is laid out: a box to tick, several of them, or a line with its label above."""
        several = isinstance(self.made, forms.MultipleChoiceField)
        return "checks" if several else "flag" if isinstance(self.made, forms.BooleanField) else "line"

    @property
    def is_code(self) -> bool:
        """Whether what is typed follows some syntax."""
        return isinstance(self.made, JsonField) and not self.offers

    def shown(self, part: Json) -> str | list[str] | bool:
        """Return what the field shows of a stage."""
        value = value_at(part, self.place)
        value = self.made.initial if value is GONE and self.made.initial is not None else value
        if self.half:
            is_whole = isinstance(value, dict) and len(value) == 1
            name, given = next(iter(value.items())) if is_whole else (value, GONE)
            value = given if self.half == "with" else name
        if self.kind == "flag":
            return value is True
        if self.kind == "checks":
            listed = [str(each) for each in value] if isinstance(value, list | tuple) else []
            return [AT_ONCE] if self.offers == NEEDS and value == [] else listed
        if value is GONE or (value is None and not isinstance(self.made, JsonField)):
            return ""
        if isinstance(self.made, LinesField) and isinstance(value, list) and all(map(_is_text, value)):
            return "\n".join(value)
        if _is_text(value) and not isinstance(self.made, JsonField):
            return str(value)
        return _as_yaml(value) if self.rows else in_one_line(value)

    def with_typed(self, part: Json, data: QueryDict) -> Json:
        """Return a stage with what was typed. Raises `ExpressionError` for a text that is no YAML."""
        shown, typed = self.shown(part), self._widget("").value_from_datadict(data, {}, self.name)
        typed = typed.replace("\r\n", "\n") if isinstance(typed, str) else typed
        if typed is None or typed == shown:
            return part
        if isinstance(typed, list) and AT_ONCE in typed and shown != [AT_ONCE]:
            return with_value(part, self.place, [])
        return with_value(part, self.place, self._value(typed, part))

    def _value(self, typed: str | list[str] | bool, part: Json) -> Json:  # noqa: FBT001  # as it is typed
        if not isinstance(typed, str):
            return [each for each in typed if each != AT_ONCE] or GONE if isinstance(typed, list) else typed
        is_empty, written = not typed.strip(), value_at(part, self.place)
        if self.half == "with":
            name = next(iter(written)) if isinstance(written, dict) else written
            return name if is_empty else {name: read_document(typed, "yaml")}
        if is_empty:
            return GONE
        match self.made:
            case JsonField():
                return read_document(typed, "yaml")
            case LinesField():
                return self.made.clean(typed)
        return _number(typed) if isinstance(self.made, forms.IntegerField) else typed  # the base of numbers

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong at the field."""
        return self.card.problems.get(self.name, ())

    @property
    def value(self) -> object:
        """The value of the sample at the field."""
        return self.card.values.get(self.name)

    @property
    def widget(self) -> SafeString:
        """The element into which it is typed."""
        shown = self.card.typed.get(self.name, self.shown(self.card.part))
        attrs = {"id": self.id, "aria-describedby": f"{self.id}-notes", "disabled": self.card.read_only}
        return self._widget(shown).render(self.name, shown, attrs)

    def _widget(self, shown: str | list[str] | bool) -> forms.Widget:  # noqa: FBT001  # as it is typed
        choices = self.card.offered.get(self.offers) or getattr(self.made, "choices", ())
        if isinstance(self.made, forms.BooleanField):
            return forms.CheckboxInput(attrs={"class": "form-check-input"})
        if isinstance(self.made, forms.MultipleChoiceField):
            return forms.CheckboxSelectMultiple(choices=_with_chosen(choices, shown))
        if self.offers and self.offers != LATER:
            empty = [("", "Not set")] if shown == "" else []
            return ChoiceOrOther([*empty, *choices], str(self.made.label))
        if choices or self.offers:
            return forms.Select(attrs={"class": "form-select"}, choices=_with_chosen(choices, [shown]))
        lines = max(self.rows, min(str(shown).count("\n") + 1, MOST_ROWS))
        attrs: dict[str, Any] = {"dir": "auto", "class": f"form-control{' code-input' * self.is_code}"}
        if lines > 1:
            return forms.Textarea(attrs={**attrs, "rows": lines})
        return forms.TextInput(attrs={**attrs, "autocomplete": "off", "placeholder": self.placeholder})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A list whose items have fields of their own; a button adds a row, which is `fresh` then."""

    card: Card
    place: Keys
    label: str
    hint: str
    listed: Sequence[Sequence[CardField]]
    fresh: Json
    group: str = ""

    @property
    def name(self) -> str:
        """The name that the buttons send."""
        return path_text(self.place)

    @property
    def value(self) -> object:
        """The value of the sample that the first row is given."""
        return self.card.values.get(self.name)

    def changed(self, part: Document, verb: str, number: int) -> Document:
        """Return the part with a row more, a row less, or a row moved `up` or `down`."""
        written = value_at(part, self.place)
        items = list(written) if isinstance(written, list) else []
        if verb == "add":
            items.append(self.fresh)
        elif number < len(items):
            item = items.pop(number)
            if verb != "remove":
                items.insert(max(0, number + (1 if verb == "down" else -1)), item)
        found: Document = with_value(part, self.place, items or GONE)
        return found


class Card:
    """The fields of one tab for a stage, or for the pipeline where `stage` is empty.

    `folded` fields are those that few stages need. `problems` and the `values` of a sample stand at fields by
    their names, `typed` is what was typed and could not be read, `offered` is what may be chosen.
    """

    def __init__(self, document: Document, stage: str, tab: str, *, read_only: bool = False) -> None:
        self.tab, self.stage, self.read_only = tab, stage, read_only
        self.part = stage_in(document, stage) or document
        self.problems: dict[str, list[str]] = {}
        self.values: Mapping[str, object] = {}
        self.typed: Mapping[str, str] = {}
        self.offered: Mapping[str, Choices] = {}
        drawn: dict[bool, list[CardField | Rows]] = {False: [], True: []}
        schema = _schema(Stage if stage else Pipeline)
        for name in dict.fromkeys((*TAB_OF, *schema["properties"])):
            if TAB_OF.get(name, "does") == tab and name in schema["properties"].keys() - ELSEWHERE:
                drawn[name in FOLDED] += self._drawn((name,), schema["properties"][name], schema)
        self.fields, self.folded = drawn[False], drawn[True]

    def __iter__(self) -> Iterator[CardField]:
        """Yield all fields, those of the rows, too."""
        for each in (*self.fields, *self.folded):
            yield from (one for row in each.listed for one in row) if isinstance(each, Rows) else (each,)

    @property
    def loose_problems(self) -> Sequence[str]:
        """What is wrong at no field of the card."""
        return self.problems.get("", ())

    @property
    def folded_is_open(self) -> bool:
        """Whether a folded field is set, or wrong."""
        names = (each.place[0] for each in self.folded)
        return any(name in self.part or name in self.problems for name in names)

    @property
    def shape(self) -> object:
        """What of the card cannot be changed in place: its fields, and what is said of them."""
        return [(each.name, each.made.help_text, each.shown(self.part) == [AT_ONCE]) for each in self]

    def note(self, problems: Iterable[Problem]) -> None:
        """Put each problem of the part at the nearest field, or at no field."""
        names = sorted((each.name for each in self), key=len, reverse=True)
        for problem in (each for each in problems if each.stage == self.stage):
            below = (name for name in names if f"{problem.field}.".startswith((f"{name}.", f"{name}[")))
            at = next(below, "")
            message = problem.message if at else f"{problem.field}: {problem.message}"
            self.problems.setdefault(at, []).append(message)

    def with_typed(self, data: QueryDict) -> Document:
        """Return the part with what was typed; what cannot be read is kept as `typed`, with its problem."""
        part, self.typed = self.part, {}
        for each in self:
            try:
                part = each.with_typed(part, data)
            except ExpressionError as error:
                self.typed |= {each.name: data.get(each.name, "")}
                self.problems[each.name] = [str(error)]
        return part

    def with_row(self, part: Document, change: str) -> Document:
        """Return the part after `add:<list>`, or `up:`, `down:` or `remove:` with the list and a number."""
        verb, _, rest = change.partition(":")
        name, _, number = rest.partition("#")
        for rows in (each for each in (*self.fields, *self.folded) if isinstance(each, Rows)):
            if rows.name == name:
                return rows.changed(part, verb, int(number) if number.isdecimal() else 0)
        return part

    def _drawn(self, place: Keys, shape: Json, schema: Json) -> Iterator[CardField | Rows]:
        """Yield the fields for a value of a schema: one, or those of the object, or rows of a list."""
        shape, value = resolved(shape, schema), value_at(self.part, place)
        if place == ("options",):
            processor = PROCESSORS.get(str(self.part.get("processor")))
            shape = schema = processor.spec.options_schema if processor else {}
        items = resolved(shape.get("items", {}), schema)
        is_list = value is GONE or isinstance(value, list)
        if "properties" in shape and (value is GONE or isinstance(value, dict)):
            for name, inner in shape["properties"].items():
                yield from self._drawn((*place, name), inner, schema)
        elif place[-1] == "transforms" and is_list:
            yield self._rows(place, shape, "strip", self._transform)
        elif "properties" in items and is_list:
            fresh = dict.fromkeys(items.get("required", ()), "")
            yield self._rows(place, shape, fresh, lambda at: self._drawn(at, items, schema))
        elif place != ("options",) or value is not GONE:
            yield self._field(place, {**shape, "items": items} if items else shape)

    def _rows(
        self, place: Keys, shape: Json, fresh: Json, fields: Callable[[Keys], Iterable[CardField | Rows]]
    ) -> Rows:
        """Return the rows of a list, each with its fields."""
        written = value_at(self.part, place)
        rows = (fields((*place, number)) for number in range(0 if written is GONE else len(written)))
        listed = [[each for each in row if isinstance(each, CardField)] for row in rows]
        label, hint = shape.get("title", ""), shape.get("description", "")
        return Rows(card=self, place=place, label=label, hint=hint, listed=listed, fresh=fresh)

    def _transform(self, place: Keys) -> Iterator[CardField]:
        """Yield the fields of one transform: its name, and its parameters where it has some."""
        names = [(name, name.replace("_", " ")) for name in TRANSFORMS]
        made = forms.ChoiceField(label="Transform", choices=names)
        field = CardField(card=self, place=place, made=made, half="name")
        spec = TRANSFORMS.get(str(field.shown(self.part)))
        made.help_text = spec.sentence if spec else ""
        yield field
        if spec is None or spec.main or value_at(self.part, place) != spec.name:
            example = spec.written if spec else ""
            hint = in_one_line(next(iter(example.values()))) if isinstance(example, dict) else ""
            given = JsonField(label="With", required=False)
            yield CardField(card=self, place=place, made=given, half="with", placeholder=hint)

    def _field(self, place: Keys, shape: Json) -> CardField:
        """Return the field for one value."""
        name, form = str(place[-1]), shape.get("format", "")
        made = value_field({"type": "object", **shape}, name, required=False)
        offers = OFFERS.get(form or name, "")
        if name == "processor":
            made = forms.ChoiceField(
                label=made.label, choices=[(each.name, each.title) for each in PROCESSORS.values()]
            )
        elif offers == NEEDS:
            words = "Nothing ticked: it follows the stage that is written before it."
            made = forms.MultipleChoiceField(label=made.label, help_text=words)
        is_long = form == OptionFormat.TEMPLATE or shape.get("maxLength", 0) >= LONG_TEXT
        rows = CODE_ROWS if isinstance(made, JsonField) else 2 if isinstance(made, LinesField) else 0
        rows = TEXT_ROWS if is_long and not rows else 0 if offers else rows
        return CardField(
            card=self, place=place, made=made, offers=offers, rows=rows, group=GROUPS.get(str(place[0]), "")
        )


@cache
def _schema(model: type[Stage | Pipeline]) -> Json:
    return model.model_json_schema(by_alias=True)


def offered(
    document: Document, stage: str, pipeline: Pipeline | None, pipelines: Iterable[str]
) -> Mapping[str, Choices]:
    """Return what may stand at fields of a stage, or of the pipeline, each with its words."""
    names = [each["id"] for each in stages_in(document)]
    others = [name for name in names if name != stage]
    graph = pipeline.graph if pipeline is not None else None
    is_drawn = graph is not None and stage in graph.waits_for
    ended = graph.settled_before(stage) if graph is not None and is_drawn else others
    after = graph.following(stage) if graph is not None and is_drawn else ()
    written = others[names.index(stage) :] if stage in names else []
    schema, variables = value_at(document, ("input", "schema", "properties")), document.get("variables")
    fields = [f"input.{name}" for name in schema] if isinstance(schema, dict) else []
    kept = [f"variable.{name}" for name in variables] if isinstance(variables, dict) else []
    outputs = [f"stages.{name}.output" for name in others if name in ended]
    rules = [(in_one_line({"goto": name}), f"Go to {name}") for name in written]
    rules += [(in_one_line({"pipeline": name}), f"Run the pipeline {name} instead") for name in pipelines]
    return {
        SOURCES: [
            ("previous", "previous: what the stage before gives"),
            ("input", "input: all of it"),
            *((each, each) for each in (*fields, *kept, *outputs)),
        ],
        DESTINATIONS: [
            ("next", "next: the stages that follow"),
            ("final", "final: the output of the pipeline"),
            *((each, each) for each in kept),
        ],
        RULES: [
            ("fail", "Fail"),
            ("skip", "Skip the stage"),
            ('{"default": null}', "Go on with nothing as its output"),
            *rules,
        ],
        NEEDS: [(AT_ONCE, "None: it starts at once"), *((n, n) for n in others if n not in after)],
        LATER: [("", "None"), *((name, name) for name in others)],
        PIPELINES: [(name, name) for name in pipelines],
    }


def in_one_line(value: Json) -> str:
    """Return a value as YAML, in one line unless it is a text of several."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else _as_yaml(value)


def _as_yaml(value: Json) -> str:
    return write_yaml(value).removesuffix("...\n").rstrip("\n")


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _with_chosen(choices: Choices, chosen: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # as it is shown
    """Return choices, and what is chosen without being one of them: it is shown, too."""
    known = {value for value, _ in choices}
    return [*choices, *((value, value) for value in chosen if value not in known)]


def _number(typed: str) -> Json:
    """Return a number, or what was typed where that is none."""
    with suppress(ExpressionError):
        value = read_document(typed, "yaml")
        if isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST < value < LARGEST:
            return value
    return typed
