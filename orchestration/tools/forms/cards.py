"""Cards: the fields of one part of a document that is edited, made from its schema."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from django.http import QueryDict

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.listed import Document
from orchestration.expressions.places import GONE, Keys, value_at
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.documents import EMPTY, Notes, PartField, Rows
from orchestration.tools.forms.schemas import JsonField, LinesField, resolved, value_field

TEXT_ROWS, CODE_ROWS, LINES_ROWS, LONG_TEXT = 5, 3, 2, 1_000


class PartCard:
    """The fields of `part`, those `names` of its `schema`. `folded` ones are those that few need.

    `groups` has the title above the fields below a name.
    """

    folded_names: ClassVar[Collection[str]] = ()
    groups: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self, part: Document, schema: Mapping[str, Json], names: Iterable[str], *, read_only: bool = False
    ) -> None:
        self.part = part
        self.notes = Notes(part=part, read_only=read_only)
        drawn: dict[bool, list[PartField | Rows]] = {False: [], True: []}
        for name in names:
            shape = schema["properties"][name]
            drawn[name in self.folded_names] += self.drawn((name,), shape, schema)
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

    def say(self, problems: Iterable[tuple[str, str]]) -> None:
        """Put each problem, a path in the part and what is wrong there, at the nearest field or at none."""
        names = sorted((each.name for each in self), key=len, reverse=True)
        for path, message in problems:
            below = (name for name in names if f"{path}.".startswith((f"{name}.", f"{name}[")))
            at = next(below, "")
            said = message if at or not path else f"{path}: {message}"
            self.notes.problems.setdefault(at, []).append(said)

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

    def drawn(self, place: Keys, shape: Json, schema: Mapping[str, Json]) -> Iterator[PartField | Rows]:
        """Yield the fields for a value of a schema: one, or those of the object, or rows of a list."""
        shape, value = resolved(shape, schema), value_at(self.part, place)
        items = resolved(shape.get("items", {}), schema)
        is_list = value is GONE or isinstance(value, list)
        if "properties" in shape and (value is GONE or isinstance(value, dict)):
            for name, inner in shape["properties"].items():
                yield from self.drawn((*place, name), inner, schema)
        elif "properties" in items and is_list:
            fresh = dict.fromkeys(items.get("required", ()), "")
            yield self.rows(place, shape, fresh, lambda at: self.drawn(at, items, schema))
        else:
            yield self.field(place, {**shape, "items": items} if items else shape)

    def rows(
        self, place: Keys, shape: Json, fresh: Json, fields: Callable[[Keys], Iterable[PartField | Rows]]
    ) -> Rows:
        """Return the rows of a list, each with its fields."""
        written = value_at(self.part, place)
        rows = (fields((*place, number)) for number in range(0 if written is GONE else len(written)))
        listed = [[each for each in row if isinstance(each, PartField)] for row in rows]
        label, hint = shape.get("title", ""), shape.get("description", "")
        return Rows(notes=self.notes, place=place, label=label, hint=hint, listed=listed, fresh=fresh)

    def field(self, place: Keys, shape: Json, *, offers: str = "", only: bool = False) -> PartField:
        """Return the field for one value, that `offers` choices."""
        made = value_field({"type": "object", **shape}, str(place[-1]), required=False)
        is_long = shape.get("format") == "template" or shape.get("maxLength", 0) >= LONG_TEXT
        rows = CODE_ROWS if isinstance(made, JsonField) else LINES_ROWS * isinstance(made, LinesField)
        return PartField(
            notes=self.notes,
            place=place,
            made=made,
            offers=offers,
            only=only,
            rows=0 if offers else rows or TEXT_ROWS * is_long,
            group=self.groups.get(str(place[0]), ""),
        )
