"""Conditions in the Common Expression Language (CEL): `size(input.text) > 10 && has(input.label)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cel

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

LONGEST = 2_000
"""Characters of a condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read: the names that it uses, and the program."""

    text: str
    names: frozenset[str]
    program: cel.Program

    def evaluate(self, values: Mapping[str, Json]) -> bool:
        """Return whether the condition holds. Raises `ExpressionError` where it cannot be told."""
        try:
            found = self.program.execute(dict(values))
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ExpressionError(str(error)) from error
        if not isinstance(found, bool):
            raise ExpressionError("A condition must be true or false.")
        return found


def parse_condition(text: str) -> Condition:
    """Read a condition. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A condition has up to {LONGEST:,} characters.")
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ExpressionError(str(error)) from error
    return Condition(text, frozenset(program.variables()), program)
