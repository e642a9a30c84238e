"""Picks in JMESPath: ``items[?price > `10`].name``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import jmespath
from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Bounds, Json, remembered

LONGEST = 1_000
"""Characters of a pick."""
DEEPEST = 64
MOST_STEPS = 1_000_000
"""Parts of values that are looked at: about a second."""
BOUNDS = Bounds(depth=64, nodes=100_000, characters=10_000_000)
"""What a pick results in, and what its functions are given."""
ARITY: Mapping[str, tuple[int, bool]] = {
    name: (len(spec["signature"]), bool(spec["signature"] and spec["signature"][-1].get("variadic")))
    for name, spec in Functions.FUNCTION_TABLE.items()
}
"""How many values each function takes, and whether it takes more."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick that was read."""

    text: str
    parsed: ParsedResult

    def apply(self, value: Json) -> Json:
        """Return what is picked from a value; None where it is not there. Raises `ExpressionError`."""
        interpreter = Counting()
        try:
            found = interpreter.visit(self.parsed.parsed, value)
        except ExpressionError:
            raise
        except JMESPathError as error:
            raise ExpressionError(f"The pick cannot be applied: {error}.") from error
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            raise ExpressionError("The pick compares or computes values that do not go together.") from error
        if not isinstance(found, dict | list | str | int | float | None):
            raise ExpressionError("The pick results in a function (&), not in a value.")
        BOUNDS.check(found, "What is picked")
        return found


class Counting(TreeInterpreter):
    """Evaluates a pick, and counts what it looks at."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=CountedFunctions(self)))
        self.steps = 0

    def visit(self, node: Any, *values: Json, **named: Json) -> Json:  # noqa: ANN401 - the library says a private type
        """Return what a part of the pick results in."""
        found = super().visit(node, *values, **named)
        self.take(1 + (len(found) if isinstance(found, list | dict) else 0))
        return found

    def visit_comparator(self, node: Any, value: Json) -> Json:  # noqa: ANN401 - the same
        """Return whether a comparison holds; what is compared is measured first: it may share its parts."""
        for child in node["children"]:
            self.measure(self.visit(child, value))
        return super().visit_comparator(node, value)

    def measure(self, value: Json) -> None:
        """Count the parts of a value."""
        self.take(sum(1 for _ in BOUNDS.parts(value, "A value in the pick")))

    def take(self, steps: int) -> None:
        """Count steps. Raises `ExpressionError` beyond `MOST_STEPS`."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise ExpressionError(f"The pick takes more than {MOST_STEPS:,} steps.")


class CountedFunctions(Functions):
    """The functions of JMESPath, given only what is within bounds."""

    def __init__(self, counting: Counting) -> None:
        self.counting = counting

    def call_function(self, function_name: str, resolved_args: Iterable[Json]) -> Json:
        """Return what a function results in."""
        given = list(resolved_args)
        for each in given:
            self.counting.measure(each)
        if function_name == "join" and isinstance(given[0], str) and isinstance(given[1], list):
            length = len(given[0]) * len(given[1])
            if length > BOUNDS.characters:
                raise ExpressionError(f"What is joined has more than {BOUNDS.characters:,} characters.")
        return super().call_function(function_name, given)


@remembered
def parse_pick(text: str) -> Pick:
    """Read a pick. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A pick has up to {LONGEST:,} characters, this one {len(text):,}.")
    if not text.strip():
        raise ExpressionError("The pick is empty.")
    try:
        parsed = jmespath.compile(text)
    except IncompleteExpressionError:
        _refuse("The pick is not complete.", len(text))
    except LexerError as error:
        _refuse(f"“{error.token_value}” cannot stand here.", error.lexer_position)
    except ParseError as error:
        _refuse(f"“{error.token_value}” cannot stand here.", error.lex_position)
    except RecursionError:
        raise ExpressionError(f"The pick is nested more than {DEEPEST} levels deep.") from None
    _check(parsed.parsed)
    return Pick(text, parsed)


def _check(tree: Mapping[str, Any]) -> None:
    """Refuse what is too deep, and functions that there are not or with other numbers of values."""
    level = [tree]
    for _ in range(DEEPEST):
        for node in level:
            if node["type"] == "function_expression":
                _check_call(node["value"], len(node["children"]))
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
        if not level:
            return
    raise ExpressionError(f"The pick is nested more than {DEEPEST} levels deep.")


def _check_call(name: str, given: int) -> None:
    if name not in ARITY:
        raise ExpressionError(f"There is no function “{name}”; there are {', '.join(ARITY)}.")
    takes, more = ARITY[name]
    if given < takes or (given > takes and not more):
        raise ExpressionError(
            f"{name} is given {given} values, it takes {takes}{' or more' if more else ''}."
        )


def _refuse(message: str, position: int) -> NoReturn:
    raise ExpressionError(message, position=position)
