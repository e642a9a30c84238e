"""Exact arithmetic on a written expression: + - * / ^ % ! sqrt and parentheses, by recursive descent."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number

_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{NUMBER})|(?P<name>sqrt|cbrt|mod)|(?P<sign>\*\*|[-+*/^%!()]))", re.IGNORECASE
)
_MAX_LENGTH = 400
_MAX_DEPTH = 40
_MAX_EXPONENT = 512
_MAX_FACTORIAL = 170
_MAX_BITS = 4096
_ROOT_DIGITS = 20


class NotAnExpression(ValueError):
    """The text is no expression, or its value is too large to write down."""


class NoValue(NotAnExpression):
    """The expression divides by zero or takes the root of a negative number."""


def evaluate(text: str) -> Fraction:
    """Return the value of an expression; irrational roots are cut at 20 decimals.

    Raises `NotAnExpression`, and `NoValue` where arithmetic has none.
    """
    if len(text) > _MAX_LENGTH:
        raise NotAnExpression
    parser = _Parser(_tokens(text))
    value = parser.sum()
    if parser.peek:
        raise NotAnExpression
    return value


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        token = _TOKEN.match(text, position)
        if token is None:
            raise NotAnExpression
        found.append(token[0].strip().lower())
        position = token.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self.peek
        self._at += 1
        return token

    def sum(self) -> Fraction:
        value = self._product()
        while self.peek in ("+", "-"):
            sign = self._take()
            term = self._product()
            value = _bounded(value + term if sign == "+" else value - term)
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while self.peek in ("*", "/", "mod", "%"):
            sign = self._take()
            factor = self._signed()
            value = _bounded(_combined(value, sign, factor))
        return value

    def _signed(self) -> Fraction:
        if self.peek == "-":
            self._take()
            return -self._descend(self._signed)
        return self._power()

    def _power(self) -> Fraction:
        base = self._postfixed()
        if self.peek not in ("^", "**"):
            return base
        self._take()
        return _power(base, self._descend(self._signed))

    def _postfixed(self) -> Fraction:
        value = self._atom()
        while self.peek == "!" or (self.peek == "%" and not self._starts_operand(self._at + 1)):
            value = _factorial(value) if self._take() == "!" else value / 100
        return value

    def _starts_operand(self, at: int) -> bool:
        piece = self._tokens[at] if at < len(self._tokens) else ""
        return piece[:1].isdigit() or piece[:1] in (".", "(")

    def _atom(self) -> Fraction:
        piece = self._take()
        if piece == "(":
            value = self._descend(self.sum)
            if self._take() != ")":
                raise NotAnExpression
            return value
        if piece in ("sqrt", "cbrt"):
            return root(self._descend(self._postfixed), 2 if piece == "sqrt" else 3)
        if piece[:1].isdigit() or piece[:1] == ".":
            return parse_number(piece)
        raise NotAnExpression

    def _descend(self, rule: Callable[[], Fraction]) -> Fraction:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise NotAnExpression
        value = rule()
        self._depth -= 1
        return value


def _combined(value: Fraction, sign: str, factor: Fraction) -> Fraction:
    if sign == "*":
        return value * factor
    if factor == 0:
        raise NoValue
    return value / factor if sign == "/" else value % factor


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if base == 0 and exponent < 0:
        raise NoValue
    if exponent.denominator in (2, 3) and exponent.numerator == 1:
        return root(base, exponent.denominator)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT or bits * abs(exponent) > _MAX_BITS:
        raise NotAnExpression
    return base ** int(exponent)


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= _MAX_FACTORIAL:
        raise NotAnExpression
    return Fraction(math.factorial(int(value)))


def root(value: Fraction, degree: int) -> Fraction:
    """Return the square (2) or cube (3) root, exact where it is rational."""
    if value < 0 and degree % 2 == 0:
        raise NoValue
    scale = 10**_ROOT_DIGITS
    magnitude = abs(value)
    exact = Fraction(_integer_root(magnitude.numerator, degree), _integer_root(magnitude.denominator, degree))
    found = (
        exact
        if exact**degree == magnitude
        else Fraction(_integer_root(int(magnitude * scale**degree), degree), scale)
    )
    return found if value >= 0 else -found


def _integer_root(value: int, degree: int) -> int:
    """Return the largest integer whose power does not exceed `value`, by bisection."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
    return low


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise NotAnExpression
    return value
