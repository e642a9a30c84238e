"""What the Ask form is laid out by: methods, faults, and folded groups that say what is set in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django import forms

from orchestration.strategies.forms.fields import initial_text
from orchestration.tools.forms.schemas import PercentField

LONGEST_VALUE = 40
SHOWN = 3
"""Fields that a folded group names; the others are counted."""


class MethodChoice(NamedTuple):
    """A method in the list on Ask."""

    name: str
    title: str
    summary: str


class Fault(NamedTuple):
    """Something wrong: the label of the field, the reason, and the id of the element to mend it at."""

    label: str
    words: str
    target: str


class FieldGroup(NamedTuple):
    """Fields that are folded away under a title; `empty` says what holds while none of them is set."""

    name: str
    title: str
    boxes: Sequence[forms.BoundField]
    empty: str

    @property
    def is_wrong(self) -> bool:
        """True when a field in it is wrong."""
        return any(box.errors for box in self.boxes)

    @property
    def told(self) -> str:
        """What is set in it, in one line."""
        changed = [value_in_words(box) for box in self.boxes if is_set(box)]
        more = [f"{len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
        return " · ".join([*changed[:SHOWN], *more]) or self.empty


def is_set(box: forms.BoundField) -> bool:
    """Return whether a field differs from its default; one that was not sent has it."""
    value = box.value()
    usual = {initial_text(box.field), str(box.field.initial or "")}
    return value is not None and str(value or "") not in usual


def value_in_words(box: forms.BoundField) -> str:
    """Return the label and the value of a field, a long one shortened."""
    value = box.field.prepare_value(box.value())
    if isinstance(box.field, forms.BooleanField):
        return f"{box.label} {'on' if value else 'off'}"
    if isinstance(box.field, PercentField):
        return f"{str(box.label).removesuffix(', %')} {value} %"
    if isinstance(box.field, forms.MultipleChoiceField):
        labels = {str(choice): str(label) for choice, label in box.field.widget.choices}
        value = ", ".join(labels.get(each, each) for each in map(str, value or ()))
    elif isinstance(box.field, forms.ChoiceField):
        named = [label for choice, label in box.field.widget.choices if str(choice) == str(value)]
        value = named[0] if named else value
    words = " ".join(str(value).split())
    shown = words if len(words) <= LONGEST_VALUE else f"{words[:LONGEST_VALUE].rstrip()}…"
    return f"{box.label} {shown or 'empty'}"
