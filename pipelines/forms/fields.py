"""The fields of a stage's card: what each shows of the written stage, and what it makes of what is typed.

What was typed is kept as it is, also where it does not fit: the checks of the whole definition say what is
wrong. A field that was not changed leaves the document as it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.places import GONE, Keys, path_text, value_at, with_value
from orchestration.llm.engine.types import Json

MOST_ROWS = 24
LARGEST = 1e15
"""Numbers that are larger are kept as they were typed."""
_UNFIT_FOR_ID = Pattern(r"[^a-zA-Z0-9_]+")


class Kind(StrEnum):
    """How a value is shown and typed; `code` is YAML, `parameters` are those of a transform, as YAML."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    CHECKS = "checks"
    LINES = "lines"
    CODE = "code"
    TRANSFORM = "transform"
    PARAMETERS = "parameters"


@dataclass(kw_only=True, slots=True)
class Notes:
    """What the fields of a card share: the written stage, and what stands at each field, by its name.

    `typed` is what was typed and could not be read.
    """

    part: Json
    problems: dict[str, list[str]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CardField:
    """A field for one value of a stage, or of the pipeline; `place` leads to it.

    `default` stands for what is not written. A text area has so many `rows` at least, and grows; without
    rows it is a line. `suggests` names a list of suggestions on the page, `group` the heading above it.
    """

    place: Keys
    notes: Notes
    label: str
    kind: Kind = Kind.TEXT
    hint: str = ""
    default: Json = GONE
    choices: Sequence[tuple[str, str]] = ()
    rows: int = 0
    suggests: str = ""
    group: str = ""
    placeholder: str = ""

    @property
    def name(self) -> str:
        """The name in the form, as in `options.cases[0].when`."""
        return path_text(self.place) + (":with" if self.kind is Kind.PARAMETERS else "")

    @property
    def id(self) -> str:
        """The id of its element."""
        return "field-" + _UNFIT_FOR_ID.sub("-", self.name)

    def shown(self, part: Json) -> str | list[str] | bool:
        """Return what the field shows of a stage."""
        value = value_at(part, self.place)
        value = self.default if value is GONE else value
        value = GONE if value is None and self.kind is not Kind.CODE else value
        match self.kind, value:
            case Kind.FLAG, _:
                return value is True
            case Kind.CHECKS, _:
                return [str(each) for each in value] if isinstance(value, list | tuple) else []
            case _ if value is GONE or (self.kind is Kind.PARAMETERS and not isinstance(value, dict)):
                return ""
            case Kind.LINES, list() if all(isinstance(each, str) for each in value):
                return "\n".join(value)
            case ((Kind.TRANSFORM | Kind.PARAMETERS), dict()) if len(value) == 1:
                ((name, parameters),) = value.items()
                return str(name) if self.kind is Kind.TRANSFORM else self._written(parameters)
        return value if isinstance(value, str) and self.kind is not Kind.CODE else self._written(value)

    def _written(self, value: Json) -> str:
        """Return a value as YAML, in one line where the field has only one."""
        if not self.rows:
            return in_one_line(value)
        return write_yaml(value).removesuffix("...\n").rstrip("\n")

    def with_typed(self, part: Json, data: QueryDict) -> Json:
        """Return a stage with what was typed. Raises `ExpressionError` for a text that is no YAML."""
        shown = self.shown(part)
        typed: str | list[str] | bool = data.get(self.name, "").replace("\r\n", "\n")
        if isinstance(shown, bool):
            typed = self.name in data
        elif isinstance(shown, list):
            typed = data.getlist(self.name)
        return part if typed == shown else with_value(part, self.place, self._value(typed, part))

    def _value(self, typed: str | list[str] | bool, part: Json) -> Json:  # noqa: FBT001  # as it is typed
        if not isinstance(typed, str):
            return typed or (False if typed is False else GONE)
        if self.kind is Kind.PARAMETERS:
            name = replace(self, kind=Kind.TRANSFORM).shown(part)
            return {name: read_document(typed, "yaml")} if typed.strip() else name
        if not typed.strip():
            return GONE
        if self.kind is Kind.CODE:
            return read_document(typed, "yaml")
        if self.kind is Kind.LINES:
            return [line.strip() for line in typed.splitlines() if line.strip()]
        return _number(typed) if self.kind is Kind.NUMBER else typed

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
        shown, attrs = self.notes.typed.get(self.name, self.shown(self.notes.part)), dict[str, Any]()
        attrs |= {"id": self.id, "aria-describedby": f"{self.id}-notes", "disabled": self.notes.read_only}
        if isinstance(shown, bool):
            widget: forms.Widget = forms.CheckboxInput(attrs={"class": "form-check-input"})
        elif isinstance(shown, list):
            widget = forms.CheckboxSelectMultiple(choices=with_choices(self.choices, shown))
        elif self.choices:
            widget = forms.Select(attrs={"class": "form-select"}, choices=with_choices(self.choices, [shown]))
        else:
            attrs |= {"dir": "auto", "class": f"form-control{' code-input' * self.is_code}"}
            lines = max(self.rows, min(shown.count("\n") + 1, MOST_ROWS))
            widget = forms.Textarea(attrs={"rows": lines}) if lines > 1 else forms.TextInput()
            more = {"list": self.suggests, "placeholder": self.placeholder, "autocomplete": "off"}
            attrs |= {} if lines > 1 else {name: value for name, value in more.items() if value}
        return widget.render(self.name, shown, attrs)

    @property
    def is_code(self) -> bool:
        """Whether what is typed follows some syntax."""
        return self.kind in {Kind.CODE, Kind.PARAMETERS}


def in_one_line(value: Json) -> str:
    """Return a value as YAML, in one line unless it is a text of several."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return write_yaml(value).removesuffix("...\n").rstrip("\n")


def with_choices(choices: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[tuple[str, str]]:
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
