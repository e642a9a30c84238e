"""The cards of the editor: the fields of each tab, made from the schemas of a stage and its processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from django import forms
from django.http import QueryDict

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import part_schema
from orchestration.expressions.places import GONE, Keys, value_at
from orchestration.expressions.transforms.lists import TRANSFORMS
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.documents import EMPTY, Choices, Notes, PartField, Rows, in_one_line
from orchestration.tools.forms.schemas import JsonField, LinesField, resolved, value_field
from pipelines.engine.definition import Pipeline, Problem, Stage
from pipelines.engine.editing import Document, stage_in, stages_in
from pipelines.engine.options import OptionFormat
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
TEXT_ROWS, CODE_ROWS, LINES_ROWS, LONG_TEXT = 5, 3, 2, 1_000
OFFERED = {*map(str, (OptionFormat.SOURCE, OptionFormat.SOURCES, OptionFormat.STAGE, OptionFormat.PIPELINE))}
OFFERED |= {"to", "on_error", "needs"}
"""The formats and the names of fields at which something is offered."""


class Card:
    """The fields of one tab for a stage, or for the pipeline where `stage` is empty.

    `folded` fields are those that few stages need.
    """

    def __init__(self, document: Document, stage: str, tab: str, *, read_only: bool = False) -> None:
        self.tab, self.stage = tab, stage
        self.part = stage_in(document, stage) or document
        self.notes = Notes(part=self.part, read_only=read_only)
        drawn: dict[bool, list[PartField | Rows]] = {False: [], True: []}
        schema = part_schema(Stage if stage else Pipeline)
        for name in dict.fromkeys((*TAB_OF, *schema["properties"])):
            if TAB_OF.get(name, "does") == tab and name in schema["properties"].keys() - ELSEWHERE:
                drawn[name in FOLDED] += self._drawn((name,), schema["properties"][name], schema)
        self.fields, self.folded = drawn[False], drawn[True]

    def __iter__(self) -> Iterator[PartField]:
        """Yield all fields, those of the rows, too."""
        for each in (*self.fields, *self.folded):
            yield from (one for row in each.listed for one in row) if isinstance(each, Rows) else (each,)

    @property
    def loose_problems(self) -> Sequence[str]:
        """What is wrong at no field of the card."""
        return self.notes.problems.get("", ())

    @property
    def folded_is_open(self) -> bool:
        """Whether a folded field is set, or wrong."""
        names = (each.place[0] for each in self.folded)
        return any(name in self.part or name in self.notes.problems for name in names)

    @property
    def shape(self) -> object:
        """What of the card cannot be changed in place: its fields, and what is said of them."""
        return [(each.name, each.made.help_text, each.shown(self.part) == [EMPTY]) for each in self]

    def note(self, problems: Iterable[Problem]) -> None:
        """Put each problem of the part at the nearest field, or at no field."""
        names = sorted((each.name for each in self), key=len, reverse=True)
        for problem in (each for each in problems if each.stage == self.stage):
            below = (name for name in names if f"{problem.field}.".startswith((f"{name}.", f"{name}[")))
            at = next(below, "")
            message = problem.message if at else f"{problem.field}: {problem.message}"
            self.notes.problems.setdefault(at, []).append(message)

    def with_typed(self, data: QueryDict) -> Document:
        """Return the part with what was typed; what cannot be read is kept as `typed`, with its problem."""
        part, unread = self.part, dict[str, str]()
        for each in self:
            try:
                part = each.with_typed(part, data)
            except ExpressionError as error:
                unread[each.name] = data.get(each.name, "")
                self.notes.problems[each.name] = [str(error)]
        self.notes.typed = unread
        return part

    def with_row(self, part: Document, change: str) -> Document:
        """Return the part after `add:<list>`, or `up:`, `down:` or `remove:` with the list and a number."""
        verb, _, rest = change.partition(":")
        name, _, number = rest.partition("#")
        for rows in (each for each in (*self.fields, *self.folded) if isinstance(each, Rows)):
            if rows.name == name:
                part = rows.changed(part, verb, int(number) if number.isdecimal() else 0)
        return part

    def _drawn(self, place: Keys, shape: Json, schema: Json) -> Iterator[PartField | Rows]:
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
        self, place: Keys, shape: Json, fresh: Json, fields: Callable[[Keys], Iterable[PartField | Rows]]
    ) -> Rows:
        """Return the rows of a list, each with its fields."""
        written = value_at(self.part, place)
        rows = (fields((*place, number)) for number in range(0 if written is GONE else len(written)))
        listed = [[each for each in row if isinstance(each, PartField)] for row in rows]
        label, hint = shape.get("title", ""), shape.get("description", "")
        return Rows(notes=self.notes, place=place, label=label, hint=hint, listed=listed, fresh=fresh)

    def _transform(self, place: Keys) -> Iterator[PartField]:
        """Yield the fields of one transform: its name, and its parameters where it has some."""
        names = [(name, name.replace("_", " ")) for name in TRANSFORMS]
        made = forms.ChoiceField(label="Transform", choices=names)
        field = PartField(notes=self.notes, place=place, made=made, half="name")
        spec = TRANSFORMS.get(str(field.shown(self.part)))
        made.help_text = spec.sentence if spec else ""
        yield field
        if spec is None or spec.main or value_at(self.part, place) != spec.name:
            example = spec.written if spec else ""
            hint = in_one_line(next(iter(example.values()))) if isinstance(example, dict) else ""
            given = JsonField(label="With", required=False)
            yield PartField(notes=self.notes, place=place, made=given, half="with", placeholder=hint)

    def _field(self, place: Keys, shape: Json) -> PartField:
        """Return the field for one value."""
        name, form = str(place[-1]), str(shape.get("format", ""))
        offers = next((each for each in (form, name) if each in OFFERED), "")
        made = value_field({"type": "object", **shape}, name, required=False)
        if name == "processor":
            choices = [(each.name, each.title) for each in PROCESSORS.values()]
            made = forms.ChoiceField(label=made.label, choices=choices)
        elif offers == "needs":
            words = "Nothing ticked: it follows the stage that is written before it."
            made = forms.MultipleChoiceField(label=made.label, help_text=words)
        is_long = form == OptionFormat.TEMPLATE or shape.get("maxLength", 0) >= LONG_TEXT
        rows = CODE_ROWS if isinstance(made, JsonField) else LINES_ROWS * isinstance(made, LinesField)
        return PartField(
            notes=self.notes,
            place=place,
            made=made,
            offers=offers,
            only=offers == OptionFormat.STAGE,
            rows=0 if offers else rows or TEXT_ROWS * is_long,
            group=GROUPS.get(str(place[0]), ""),
        )


def offered(
    document: Document, stage: str, pipeline: Pipeline | None, pipelines: Iterable[str]
) -> Mapping[str, Choices]:
    """Return what may stand at fields of a stage, or of the pipeline, each with its words."""
    names = [each["id"] for each in stages_in(document)]
    others = [name for name in names if name != stage]
    graph = pipeline.graph if pipeline is not None and stage in pipeline.graph.waits_for else None
    ended = [name for name in others if graph is None or graph.has_ended(name, stage)]
    after = graph.following(stage) if graph is not None else ()
    later = others[names.index(stage) :] if stage in names else []
    schema, variables = value_at(document, ("input", "schema", "properties")), document.get("variables")
    kept = [f"variable.{name}" for name in variables] if isinstance(variables, dict) else []
    read = [f"input.{name}" for name in schema] if isinstance(schema, dict) else []
    read += [*kept, *(f"stages.{name}.output" for name in ended)]
    rules = [("fail", "Fail"), ("skip", "Skip the stage"), ('{"default": null}', "Go on without its output")]
    rules += [(in_one_line({"goto": name}), f"Go to {name}") for name in later]
    rules += [(in_one_line({"pipeline": name}), f"Run the pipeline {name} instead") for name in pipelines]
    sources = [
        ("previous", "previous: what the stage before gives"),
        ("input", "input: all of it"),
        *_same(read),
    ]
    targets = [("next", "next: the stages that follow"), ("final", "final: the output of the pipeline")]
    return {
        OptionFormat.SOURCE: sources,
        OptionFormat.SOURCES: sources,
        OptionFormat.STAGE: [("", "None"), *_same(others)],
        OptionFormat.PIPELINE: _same(pipelines),
        "to": [*targets, *_same(kept)],
        "on_error": rules,
        "needs": [
            (EMPTY, "Nothing: starts at once"),
            *_same(name for name in others if name not in after),
        ],
    }


def _same(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return choices that are shown as they are written."""
    return [(name, name) for name in names]
