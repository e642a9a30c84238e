"""The operators of a program that is recomputed: Python's own, where what they give is not too large."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping

from orchestra_site.web.patterns import Pattern
from orchestration.strategies.engine.recomputing.work import (
    MOST_BITS,
    NotRecomputedError,
    Value,
    WorkLimit,
    bound,
)

BINARY: Mapping[type[ast.operator], tuple[Callable[..., Value], Callable[..., Value]]] = {
    ast.Add: (operator.add, operator.iadd),
    ast.Sub: (operator.sub, operator.isub),
    ast.Mult: (operator.mul, operator.imul),
    ast.Div: (operator.truediv, operator.itruediv),
    ast.FloorDiv: (operator.floordiv, operator.ifloordiv),
    ast.Mod: (operator.mod, operator.imod),
    ast.Pow: (operator.pow, operator.ipow),
    ast.LShift: (operator.lshift, operator.ilshift),
    ast.RShift: (operator.rshift, operator.irshift),
    ast.BitAnd: (operator.and_, operator.iand),
    ast.BitOr: (operator.or_, operator.ior),
    ast.BitXor: (operator.xor, operator.ixor),
}
"""Each operator by itself, and as it changes its left side."""
UNARY: Mapping[type[ast.unaryop], Callable[[Value], Value]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
COMPARED: Mapping[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
IDENTIFIED = (bool, list, dict, set, type, type(None))
"""Types whose values are the same object in every version of Python, or are not."""
_DIRECTIVE = Pattern(r"%[-+ 0#]?\d{0,2}(?:\.\d{1,2})?[sdrifxXobeEgGc%]")
_SPEC = Pattern(r"(?:[^{}]?[<>^=])?[-+ ]?#?0?\d{0,3}[,_]?(?:\.\d{1,2})?[sdfxXobeEgGc%]?")


def power(left: Value, right: Value) -> None:
    """Refuse a power that would be too large."""
    if isinstance(left, int) and isinstance(right, int):
        bound(left.bit_length() * right, MOST_BITS)


def _add(left: Value, right: Value) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        bound(len(left) + len(right))


def _multiply(left: Value, right: Value) -> None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(other, int):
            bound(len(one) * other)
    if isinstance(left, int) and isinstance(right, int):
        bound(left.bit_length() + right.bit_length(), MOST_BITS)


def _shift(left: Value, right: Value) -> None:
    if isinstance(left, int) and isinstance(right, int):
        bound(left.bit_length() + right, MOST_BITS)


def _fill(left: Value, _: Value) -> None:
    if isinstance(left, str) and "%" in _DIRECTIVE.sub("", left):
        raise NotRecomputedError


GUARDS: Mapping[type[ast.operator], Callable[[Value, Value], None]] = {
    ast.Add: _add,
    ast.Mult: _multiply,
    ast.Pow: power,
    ast.LShift: _shift,
    ast.Mod: _fill,
}
"""What is looked at before an operator whose result may be larger than what it is applied to."""


def apply(work: WorkLimit, kind: ast.operator, left: Value, right: Value, *, in_place: bool = False) -> Value:
    """Return what an operator makes of two values. Raises `NotRecomputedError` if it is too large."""
    if type(kind) not in BINARY:
        raise NotRecomputedError
    if isinstance(left, str) and isinstance(kind, ast.Mod):
        work.shown(right)
    work.read(left, right)
    if type(kind) in GUARDS:
        GUARDS[type(kind)](left, right)
    result = BINARY[type(kind)][in_place](left, right)
    if isinstance(result, complex):
        raise NotRecomputedError
    return result


def holds(work: WorkLimit, kind: ast.cmpop, left: Value, right: Value) -> bool:
    """Return whether a comparison holds."""
    match kind:
        case ast.In() | ast.NotIn():
            # a range would be searched one by one for what is no whole number
            if isinstance(right, Iterator) or (isinstance(right, range) and not isinstance(left, int)):
                raise NotRecomputedError
            work.read(left, *([] if isinstance(right, dict | set | frozenset | range) else [right]))
            return (left in right) is isinstance(kind, ast.In)
        case ast.Is() | ast.IsNot():
            if not (isinstance(left, IDENTIFIED) or isinstance(right, IDENTIFIED)):
                raise NotRecomputedError
            return (left is right) is isinstance(kind, ast.Is)
        case _:
            work.read(left, right)
            return bool(COMPARED[type(kind)](left, right))


def formatted(work: WorkLimit, value: Value, spec: str = "") -> str:
    """Return a value as `format` writes it, by a specification of a bounded width."""
    if _SPEC.fullmatch(spec) is None:
        raise NotRecomputedError
    return format(work.shown(value), spec)
