"""What is wrong with an expression, a template, a schema or a document."""

from __future__ import annotations


class ExpressionError(ValueError):
    """A text that cannot be used, in words for people; `position` is the character at fault, where known."""

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
