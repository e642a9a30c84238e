"""Picks in JMESPath: `items[?price > `10`].name`."""

from __future__ import annotations

from dataclasses import dataclass

import jmespath
import jmespath.exceptions
import jmespath.parser

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

LONGEST = 1_000
"""Characters of a pick."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick that was read."""

    text: str
    parsed: jmespath.parser.ParsedResult

    def apply(self, value: Json) -> Json:
        """Return what is picked from a value; None where it is not there. Raises `ExpressionError`."""
        try:
            return self.parsed.search(value)
        except (jmespath.exceptions.JMESPathError, TypeError) as error:
            raise ExpressionError(str(error)) from error


def parse_pick(text: str) -> Pick:
    """Read a pick. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A pick has up to {LONGEST:,} characters.")
    try:
        return Pick(text, jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        raise ExpressionError(str(error)) from error
