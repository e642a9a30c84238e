"""Conditions in the Common Expression Language (CEL): `size(input.text) > 10 && has(input.label)`.

The engine counts bytes for characters, has no bound on patterns, copies lists in comprehensions, and says
little about what fails. So `size` and `matches` are ours, costs are bounded before, and failures explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import re2

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.costs import Costs
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.grammar import TYPES, Node, Reader
from orchestration.expressions.values import Bounds, Json, kind, remembered, shortened

LONGEST = 2_000
"""Characters of a condition."""
LONGEST_PATTERN = 200
LONGEST_MATCHED = 100_000
"""Characters of a pattern, and of a text that is compared with one."""
NESTED = 2
"""Comprehensions inside each other."""
BOUNDS = Bounds(depth=64, nodes=100_000, characters=10_000_000)
OURS = {"size": "sizeOfValue", "matches": "matchesText"}
"""The functions that replace the engine's, by the names that the engine finds them under."""


def engine() -> ModuleType:
    """Return the engine."""
    import cel  # noqa: PLC0415  # costs 0.2 s, for it brings a command line with it

    return cel


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was read: the names that it uses, its syntax, and the engine's program."""

    text: str
    names: frozenset[str]
    tree: Node
    program: Any

    @property
    def paths(self) -> Iterator[tuple[str, ...]]:
        """The paths that it reads, each a name and the fields below it, as far as they are written out."""
        nodes = [self.tree]
        for node in nodes:  # grows while it is read
            path = node.path()
            if path and path[0] in self.names:
                yield path
            else:
                nodes += node.parts

    def evaluate(self, values: Mapping[str, Json]) -> bool:
        """Return whether the condition holds. Raises `ExpressionError` where that cannot be decided."""
        used = self._used(values)
        Costs(used, {}, {}).bound(self.tree)
        try:
            context = engine().Context(used)
        except (OverflowError, TypeError, ValueError) as error:
            raise ExpressionError("A value holds what no JSON document can hold.") from error
        refused = list[ExpressionError]()
        context.add_function(OURS["size"], _keeping(refused, _size, 0))
        context.add_function(OURS["matches"], _keeping(refused, _matches, otherwise=False))
        try:
            found = self.program.execute(context)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise (refused or [ExpressionError(_explained(error, self.tree, used))])[0] from error
        if refused:
            raise refused[0]
        if not isinstance(found, bool):
            raise ExpressionError(f"The condition results in {kind(found)}, it must be true or false.")
        return found

    def _used(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Return the values that the condition names, within bounds."""
        for name in sorted(self.names - values.keys()):
            raise ExpressionError(
                f"There is no “{name}” here; there are {', '.join(sorted(values)) or 'no names'}."
            )
        for name in sorted(self.names):
            for part in BOUNDS.parts(values[name], name):
                if isinstance(part, int) and not -(2**63) <= part < 2**63:
                    raise ExpressionError(f"{name} holds a whole number of more than 64 bits.")
        return {name: values[name] for name in self.names}


@remembered
def parse_condition(text: str) -> Condition:
    """Read a condition. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A condition has up to {LONGEST:,} characters, this one {len(text):,}.")
    tree = Reader(text).read()
    names, calls = _names_and_calls(tree)
    for call in calls:
        _check_pattern(call)
    try:
        program = engine().compile(_with_ours(text, calls))
    except ValueError as error:
        said = _first_line(error).rpartition("error: ")[2]
        raise ExpressionError(f"The condition cannot be read: {said}") from error
    return Condition(text, frozenset(names), tree, program)


def _names_and_calls(tree: Node) -> tuple[set[str], list[Node]]:
    """Return the names of a condition and its calls of our functions; refuse what is nested too far."""
    names, calls = set[str](), list[Node]()
    for node, bound in _walk(tree, ()):
        if node.kind == "name" and node.word not in bound and node.word not in TYPES:
            names.add(node.word)
        if len(bound) > NESTED:
            message = f"Comprehensions stand up to {NESTED} levels inside each other."
            raise ExpressionError(message, position=node.start)
        if node.kind == "call" and node.word in OURS:
            calls.append(node)
    return names, calls


def _walk(node: Node, bound: tuple[str, ...]) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """Yield each node with the names of the items that the comprehensions around it go through."""
    yield node, bound
    if node.kind != "each":
        for part in node.parts:
            yield from _walk(part, bound)
        return
    over, name, body = node.parts
    yield from _walk(over, bound)
    yield from _walk(body, (*bound, name.word))


def _with_ours(text: str, calls: list[Node]) -> str:
    """Return a condition in which our functions are called by the names that the engine has for them."""
    for call in sorted(calls, key=lambda node: node.start, reverse=True):
        text = text[: call.start] + OURS[call.word] + text[call.start + len(call.word) :]
    return text


def _check_pattern(call: Node) -> None:
    """Refuse a pattern that is computed, too long, or none: what it costs must be known."""
    if call.word != "matches":
        return
    pattern = call.parts[1]
    if pattern.kind != "constant" or pattern.word[-1] not in "\"'":
        raise ExpressionError("The pattern of matches is written out, in quotes.", position=pattern.start)
    try:
        _pattern(str(engine().compile(pattern.word).execute()))
    except ValueError as error:
        raise ExpressionError(_first_line(error), position=pattern.start) from error


@lru_cache(maxsize=256)
def _pattern(written: str) -> Pattern:
    if len(written) > LONGEST_PATTERN:
        raise ExpressionError(f"A pattern has up to {LONGEST_PATTERN} characters.")
    try:
        return Pattern(written)
    except (re2.error, ValueError, IndexError) as error:
        raise ExpressionError(
            f"The pattern {shortened(written)} cannot be read: {_first_line(error)}."
        ) from error


def _keeping(
    refused: list[ExpressionError], function: Callable[..., Json], otherwise: Json
) -> Callable[..., Json]:
    """Return a function for the engine that keeps what it refuses: the engine would print it."""

    def called(*values: Json) -> Json:
        try:
            return function(*values)
        except ExpressionError as error:
            refused.append(error)
            return otherwise

    return called


def _size(value: Json) -> int:
    """Return the characters of a text, the items of a list, the keys of an object."""
    if not isinstance(value, str | list | dict):
        raise ExpressionError(f"size counts a text, a list or an object, not {kind(value)}.")
    return len(value)


def _matches(text: Json, pattern: str) -> bool:
    """Return whether a pattern occurs in a text."""
    if not isinstance(text, str):
        raise ExpressionError(f"matches reads a text, not {kind(text)}.")
    if len(text) > LONGEST_MATCHED:
        raise ExpressionError(f"matches reads texts of up to {LONGEST_MATCHED:,} characters.")
    return _pattern(pattern).search(text) is not None


def _explained(error: Exception, tree: Node, values: Mapping[str, Json]) -> str:
    """Return what went wrong in words for people."""
    said = _first_line(error)
    if isinstance(error, IndexError):
        return f"A list has no item {said.rpartition(' ')[2]}; items are counted from 0."
    if isinstance(error, KeyError):
        return _missing(str(error.args[0]), tree, values)
    if isinstance(error, ZeroDivisionError):
        return "A number is divided by zero."
    if isinstance(error, OverflowError):
        return "A whole number becomes larger than 64 bits."
    if isinstance(error, TypeError):
        return f"Values of kinds that do not go together{_kinds(tree, values)}."
    said = said.removesuffix(". Check function arguments and their types.")
    return f"The condition cannot be evaluated: {said}."


def _missing(field: str, tree: Node, values: Mapping[str, Json]) -> str:
    for path, found in _paths(tree, values):
        if path[-1] == field and isinstance(found, LookupError):
            where, whole = ".".join(path[:-1]), ".".join(path)
            return f"{where} has no field “{field}”; has({whole}) asks whether it is there."
    return f"There is no field “{field}”; has(….{field}) asks whether it is there."


def _kinds(tree: Node, values: Mapping[str, Json]) -> str:
    """Return the kinds of what a condition reads, ": input.n is a number, input.text is a text"."""
    found = {".".join(path): value for path, value in _paths(tree, values)}
    inside = {path.rpartition(".")[0] for path in found}
    known = {path: kind(value) for path, value in found.items() if not isinstance(value, LookupError)}
    leaves = [f"{path} is {what}" for path, what in known.items() if path not in inside]
    return f": {', '.join(leaves[:5])}" if leaves else ""


def _paths(tree: Node, values: Mapping[str, Json]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield the paths of a condition, each with the value there or a `LookupError`."""
    for node, bound in _walk(tree, ()):
        path = node.path()
        if path and path[0] in values and path[0] not in bound:
            yield path, _value(path, values)


def _value(path: tuple[str, ...], values: Mapping[str, Json]) -> Json:
    found: Json = values
    for step in path:
        if not isinstance(found, Mapping) or step not in found:
            return LookupError(step)
        found = found[step]
    return found


def _first_line(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return (said.decode(errors="replace") if isinstance(said, bytes) else str(said)).partition("\n")[0]
