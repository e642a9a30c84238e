"""Fields of a document that is edited: made from its schema, and what each makes of what is typed.

What was typed is kept as it is, also where it does not fit: the checks of the whole document say what is
wrong. A field that was not changed leaves the document as it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.listed import moved
from orchestration.expressions.places import GONE, Keys, path_text, value_at, with_value
from orchestration.llm.engine.types import Json
from orchestration.tools.forms.schemas import JsonField, LinesField, lines_in

MOST_ROWS = 24
LARGEST = 1e15
"""Numbers that are larger are kept as they were typed."""
OTHER, EMPTY = ":other", ":empty"
"""What stands for a value that is typed, and for a list that is written and empty."""
_UNFIT_FOR_ID = Pattern(r"[^a-zA-Z0-9_]+")
Choices = Sequence[tuple[str, str]]


@dataclass(kw_only=True, slots=True)
class Notes:
    """What the fields of a part of a document share: the part, and what stands at each, by its name.

    `values` are those of a sample, `typed` is what was typed and could not be read. `offered` are choices,
    by what a field offers.
    """

    part: Json
    problems: dict[str, list[str]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, Choices] = field(default_factory=dict)
    read_only: bool = False


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
class PartField:
    """A field for one value of a part; `place` leads to it.

    `made` is the field that its schema describes, `half` which part of a transform it is for. Beside what it
    `offers` other values can be typed, unless it is `only` that. A text area has so many `rows` at least, and
    grows; without rows it is a line.
    """

    notes: Notes
    place: Keys
    made: forms.Field
    offers: str = ""
    only: bool = False
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
        """Return what the field shows of a part."""
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
            return [EMPTY] if self.offers and value == [] else listed
        if value is GONE or (value is None and not isinstance(self.made, JsonField)):
            return ""
        if isinstance(self.made, LinesField) and isinstance(value, list) and all(map(_is_text, value)):
            return "\n".join(value)
        if _is_text(value) and not isinstance(self.made, JsonField):
            return str(value)
        return _as_yaml(value) if self.rows else in_one_line(value)

    def with_typed(self, part: Json, data: QueryDict) -> Json:
        """Return a part with what was typed. Raises `ExpressionError` for a text that is no YAML."""
        shown, typed = (
            self.shown(part),
            self._widget("").value_from_datadict(data, MultiValueDict(), self.name),
        )
        typed = typed.replace("\r\n", "\n") if isinstance(typed, str) else typed
        if typed is None or typed == shown:
            return part
        if isinstance(typed, list) and EMPTY in typed and shown != [EMPTY]:
            return with_value(part, self.place, [])
        return with_value(part, self.place, self._value(typed, part))

    def _value(self, typed: str | list[str] | bool, part: Json) -> Json:  # noqa: FBT001  # as it is typed
        if not isinstance(typed, str):
            return [each for each in typed if each != EMPTY] or GONE if isinstance(typed, list) else typed
        is_empty, written = not typed.strip(), value_at(part, self.place)
        if self.half == "with":
            name = next(iter(written)) if isinstance(written, dict) else written
            return name if is_empty else {name: read_document(typed, "yaml")}
        if is_empty:
            return GONE
        if isinstance(self.made, LinesField):
            return lines_in(typed)  # what is wrong with it is a problem of the document
        if isinstance(self.made, JsonField):
            return read_document(typed, "yaml")
        return _number(typed) if isinstance(self.made, forms.IntegerField) else typed  # the base of numbers

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong at the field."""
        return self.notes.problems.get(self.name, ())

    @property
    def value(self) -> object:
        """The value of the sample at the field."""
        return self.notes.values.get(self.name)

    @property
    def widget(self) -> SafeString:
        """The element into which it is typed."""
        shown = self.notes.typed.get(self.name, self.shown(self.notes.part))
        attrs = {"id": self.id, "aria-describedby": f"{self.id}-notes", "disabled": self.notes.read_only}
        return self._widget(shown).render(self.name, shown, attrs)

    def _widget(self, shown: str | list[str] | bool) -> forms.Widget:  # noqa: FBT001  # as it is typed
        choices: Choices = self.notes.offered.get(self.offers) or list(getattr(self.made, "choices", ()))
        if isinstance(self.made, forms.BooleanField):
            return forms.CheckboxInput(attrs={"class": "form-check-input"})
        if isinstance(self.made, forms.MultipleChoiceField):
            return forms.CheckboxSelectMultiple(choices=_with_chosen(choices, shown))
        if self.offers and not self.only:
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

    notes: Notes
    place: Keys
    label: str
    hint: str
    listed: Sequence[Sequence[PartField]]
    fresh: Json
    group: str = ""

    @property
    def name(self) -> str:
        """The name that the buttons send."""
        return path_text(self.place)

    @property
    def value(self) -> object:
        """The value of the sample that the first row is given."""
        return self.notes.values.get(self.name)

    def changed(self, part: Json, verb: str, number: int) -> Json:
        """Return the part with a row more, a row less, or a row moved `up` or `down`."""
        written = value_at(part, self.place)
        items = list(written) if isinstance(written, list) else []
        if verb == "add":
            items.append(self.fresh)
        elif verb == "remove":
            del items[number : number + 1]
        elif number < len(items):
            items = moved(items, number, 1 if verb == "down" else -1)
        return with_value(part, self.place, items or GONE)


def in_one_line(value: Json) -> str:
    """Return a value as YAML, in one line unless it is a text of several; a whole number has no point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return str(int(value))
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
