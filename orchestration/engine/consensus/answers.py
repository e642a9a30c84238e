"""A final answer as it can be compared with others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """What a final answer is: this decides which spellings of it are the same."""

    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"
    CODE = "code"
    EXPRESSION = "expression"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, slots=True)
class Extracted:
    """A final answer: `key` is equal for equal answers, `raw` is what a person is shown."""

    kind: AnswerKind
    key: str
    raw: str
