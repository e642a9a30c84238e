"""What is wrong with an expression, a template, a schema or a document."""

from __future__ import annotations

from dataclasses import dataclass


class ExpressionError(ValueError):
    """A text that cannot be used, in words for people; `position` is the character at fault, where known."""

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class DocumentFault:
    """What is wrong at one place of a document, as `participants[2].role` or `options.rounds`, in words."""

    path: str
    message: str
