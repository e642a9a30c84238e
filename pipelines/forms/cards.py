"""The cards of the editor: the fields of each tab, made from the schemas of a stage and its processor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from django.http import QueryDict

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.places import GONE, Keys, path_text, value_at, with_value
from orchestration.expressions.transforms.lists import TRANSFORMS
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, Problem, Stage
from pipelines.engine.editing import Document, stage_in, stages_in
from pipelines.engine.options import OptionFormat
from pipelines.engine.processors import PROCESSORS
from pipelines.forms.fields import CardField, Kind, Notes, in_one_line

TABS = {"does": "What it does", "input": "Input", "output": "Output", "fails": "If it fails", "yaml": "YAML"}
TAB_OF = {
    **dict.fromkeys(("input", "variables"), "input"),
    "output": "output",
    **dict.fromkeys(("on_error", "optional", "retry", "timeout", "cache", "error_handling"), "fails"),
}
"""The tab of each field of a stage and of a pipeline; of all others, what it does."""
ELSEWHERE = {"id", "name", "schema_version", "stages"}
"""What has no field on a card: names are changed by their own form."""
GROUPS = {
    "retry": "Try again",
    "cache": "Use an earlier result",
    "error_handling": "When a stage fails",
}
FOLDED = {"when", "needs", "join", "quorum", "parallel"}
TEXT_ROWS, CODE_ROWS, LONG_TEXT = 5, 3, 1_000
SUGGESTIONS = {
    OptionFormat.SOURCE: "known-sources",
    OptionFormat.PIPELINE: "known-pipelines",
    "from": "known-sources",
    "to": "known-destinations",
    "on_error": "known-rules",
}
"""The lists of suggestions on the page, by the format or the name of a field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """A list whose items have fields of their own; a button adds a row, which is `fresh` then."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """The fields of one tab for a stage, or for the pipeline where `stage` is empty.

    `folded` fields are those that few stages need.
    """

    tab: str
    stage: str
    notes: Notes
    fields: Sequence[CardField | Rows]
    folded: Sequence[CardField | Rows] = ()

    def __iter__(self) -> Iterator[CardField]:
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
        names = (each.place[0] for each in self.folded if isinstance(each, CardField))
        return any(name in self.notes.part or name in self.notes.problems for name in names)

    def note(self, problems: Iterable[Problem], values: Mapping[str, object]) -> None:
        """Put each problem of the part at the nearest field, or at no field, and the sample's values."""
        names = sorted((each.name for each in self), key=len, reverse=True)
        for problem in (each for each in problems if each.stage == self.stage):
            below = (name for name in names if f"{problem.field}.".startswith((f"{name}.", f"{name}[")))
            at = next(below, "")
            message = problem.message if at else f"{problem.field}: {problem.message}"
            self.notes.problems.setdefault(at, []).append(message)
        self.notes.values = values

    def with_typed(self, data: QueryDict) -> tuple[Document, dict[str, str]]:
        """Return the part with what was typed, and what cannot be read by the name of its field."""
        part, unread = self.notes.part, dict[str, str]()
        for each in self:
            try:
                part = each.with_typed(part, data)
            except ExpressionError as error:
                unread[each.name] = str(error)
        return part, unread

    def with_row(self, part: Document, change: str) -> Document:
        """Return the part after `add:<list>`, or `up:`, `down:` or `remove:` with the list and a number."""
        verb, _, rest = change.partition(":")
        name, _, number = rest.partition("#")
        for rows in (each for each in (*self.fields, *self.folded) if isinstance(each, Rows)):
            if rows.name == name:
                return _with_row(part, rows, verb, int(number) if number.isdecimal() else 0)
        return part


def _with_row(part: Document, rows: Rows, verb: str, number: int) -> Document:
    written = value_at(part, rows.place)
    items = list(written) if isinstance(written, list) else []
    if verb == "add":
        items.append(rows.fresh)
    elif number < len(items):
        item = items.pop(number)
        if verb != "remove":
            items.insert(max(0, number + (1 if verb == "down" else -1)), item)
    changed: Document = with_value(part, rows.place, items or GONE)
    return changed


def card(document: Document, stage: str, tab: str, *, read_only: bool = False) -> Card:
    """Return the card of a stage, or of the pipeline, with one tab open."""
    part = stage_in(document, stage) or document
    notes = Notes(part=part, read_only=read_only)
    drawn = _Drawn(document=document, part=part, stage=stage, notes=notes)
    fields: dict[bool, list[CardField | Rows]] = {False: [], True: []}
    schema = _schema(Stage if stage else Pipeline)
    for name in dict.fromkeys((*TAB_OF, *schema["properties"])):
        if TAB_OF.get(name, "does") == tab and name in schema["properties"].keys() - ELSEWHERE:
            fields[name in FOLDED] += drawn.fields((name,), schema["properties"][name], schema)
    return Card(tab=tab, stage=stage, notes=notes, fields=fields[False], folded=fields[True])


@cache
def _schema(model: type[Stage | Pipeline]) -> Json:
    return model.model_json_schema(by_alias=True)


def _shape(part: Json, schema: Json) -> Json:
    """Return a part of a schema with what it refers to, and without the choice that it may be null."""
    if "$ref" in part:
        part = {**schema["$defs"][part["$ref"].removeprefix("#/$defs/")], **part}
    others = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    return {**_shape(others[0], schema), **part} if len(others) == 1 else part


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawn:
    """What the fields of a card depend on: the document, and the written stage."""

    document: Document
    part: Document
    stage: str
    notes: Notes

    def fields(self, place: Keys, shape: Json, schema: Json) -> Iterator[CardField | Rows]:
        """Yield the fields for a value of a schema: one, or those of the object, or rows of a list."""
        shape, value = _shape(shape, schema), value_at(self.part, place)
        if place == ("options",):
            processor = PROCESSORS.get(str(self.part.get("processor")))
            shape = schema = processor.spec.options_schema if processor else {}
        items = _shape(shape.get("items", {}), schema)
        is_list = value is GONE or isinstance(value, list)
        if "properties" in shape and (value is GONE or isinstance(value, dict)):
            for name, inner in shape["properties"].items():
                yield from self.fields((*place, name), inner, schema)
        elif place[-1] == "transforms" and is_list:
            yield self.rows(place, shape, "strip", self.transform)
        elif "properties" in items and is_list:
            fresh = dict.fromkeys(items.get("required", ()), "")
            yield self.rows(place, shape, fresh, lambda at: self.fields(at, items, schema))
        elif place != ("options",) or value is not GONE:
            yield self.field(place, shape, items)

    def rows(
        self, place: Keys, shape: Json, fresh: Json, fields: Callable[[Keys], Iterable[CardField | Rows]]
    ) -> Rows:
        """Return the rows of a list, each with its fields."""
        written = value_at(self.part, place)
        rows = (fields((*place, number)) for number in range(0 if written is GONE else len(written)))
        return Rows(
            place=place,
            label=shape.get("title", ""),
            hint=shape.get("description", ""),
            listed=[[each for each in row if isinstance(each, CardField)] for row in rows],
            fresh=fresh,
        )

    def transform(self, place: Keys) -> Iterator[CardField]:
        """Yield the fields of one transform: its name, and its parameters where it has some."""
        names = [(name, name.replace("_", " ")) for name in TRANSFORMS]
        name = CardField(place=place, notes=self.notes, label="Transform", kind=Kind.TRANSFORM, choices=names)
        spec = TRANSFORMS.get(str(name.shown(self.part)))
        yield replace(name, hint=spec.sentence if spec else "")
        if spec is None or spec.main or value_at(self.part, place) != spec.name:
            example = spec.written if spec else ""
            hint = in_one_line(next(iter(example.values()))) if isinstance(example, dict) else ""
            yield CardField(
                place=place, notes=self.notes, label="With", kind=Kind.PARAMETERS, placeholder=hint
            )

    def field(self, place: Keys, shape: Json, items: Json) -> CardField:
        """Return the field for one value."""
        name, form = str(place[-1]), shape.get("format", "")
        kind, suggests = _kind(shape, items), SUGGESTIONS.get(form or name, "")
        is_long = form == OptionFormat.TEMPLATE or shape.get("maxLength", 0) >= LONG_TEXT
        rows = {Kind.TEXT: TEXT_ROWS * is_long, Kind.LINES: 2, Kind.CODE: 0 if suggests else CODE_ROWS}
        return CardField(
            place=place,
            notes=self.notes,
            label=shape.get("title", name),
            hint=shape.get("description", ""),
            kind=kind,
            rows=rows.get(kind, 0),
            choices=self.choices(name, form, shape.get("enum", items.get("enum", ()))),
            default=GONE if shape.get("default") is None else shape["default"],
            group=GROUPS.get(str(place[0]), ""),
            suggests=suggests,
        )

    def choices(self, name: str, form: str, listed: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Return what a field has to choose from, each with its word."""
        others = [(each["id"], each["id"]) for each in stages_in(self.document) if each["id"] != self.stage]
        if name == "processor":
            return [(each.name, each.title) for each in PROCESSORS.values()]
        if form == OptionFormat.STAGE:
            return [("", "None"), *others]
        return others if name == "needs" else [(each, each.replace("_", " ")) for each in listed]


def _kind(shape: Json, items: Json) -> Kind:
    match shape.get("type"):
        case "boolean":
            return Kind.FLAG
        case "number" | "integer":
            return Kind.NUMBER
        case "string":
            return Kind.TEXT
        case "array" if "enum" in items or items.get("pattern"):
            return Kind.CHECKS
        case "array" if items.get("type") == "string":
            return Kind.LINES
    return Kind.CODE
