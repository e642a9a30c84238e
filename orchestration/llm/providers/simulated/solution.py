"""What a solver found, in a form from which a right answer and a plausible wrong one can be written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import show


class AnswerKind(StrEnum):
    """The shape of an answer; a slip looks different in each."""

    NUMBER = "number"
    CHOICE = "choice"
    LIST = "list"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """The right answer and the way there.

    `working` leads up to the answer without naming it, so that it reads the same before a slip.
    `alternatives` are the other answers that were on offer (labels, options, weekdays); a list answer is
    separated by ", ".
    """

    answer: str
    kind: AnswerKind
    working: str
    alternatives: tuple[str, ...] = ()


def numeric(value: Fraction | int, working: str, *, places: int | None = None, unit: str = "") -> Solution:
    """Answer with a number; `unit` is appended as it stands ("%", " km")."""
    answer = show(Fraction(value), places) + unit
    return Solution(answer=answer, kind=AnswerKind.NUMBER, working=working)


def listed(items: Sequence[str], working: str) -> Solution:
    """Answer with a list, "none" when it is empty."""
    if not items:
        return Solution(answer="none", kind=AnswerKind.TEXT, working=working, alternatives=("one",))
    kind = AnswerKind.LIST if len(items) > 1 else AnswerKind.TEXT
    return Solution(answer=", ".join(items), kind=kind, working=working)


def chosen(answer: str, options: Sequence[str], working: str) -> Solution:
    """Answer with one of the options that were on offer."""
    others = tuple(option for option in options if option.casefold() != answer.casefold())
    return Solution(answer=answer, kind=AnswerKind.CHOICE, working=working, alternatives=others)
