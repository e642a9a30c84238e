"""Arithmetic expressions in symbols or simple words, and percentages.

Python's own grammar parses an expression, but evaluates nothing: each node is computed here, with exact
fractions, and what grows too large is refused.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

from orchestra_site.web.patterns import Pattern
from orchestration.llm.providers.simulated import reading
from orchestration.llm.providers.simulated.reading import QuestionText, parse_number, skip, word_set, words
from orchestration.llm.providers.simulated.solution import Solution, numeric

_MAX_LENGTH, _MAX_EXPONENT, _MAX_BITS = 200, 512, 4096
_ALLOWED = Pattern(r"[\d.+*/%() -]+")
_PERCENT = Pattern("percentage|percent|per cent|%")
_SEPARATORS = Pattern(r",(\d\d\d)")
_SYMBOLS = (
    ("×", "*"), ("÷", "/"), ("²", "^2"), (" plus ", " + "), (" minus ", " - "), (" times ", " * "),
    (" multiplied by ", " * "), (" divided by ", " / "), (" to the power of ", " ^ "), (" squared", "^2"),
    (" mod ", " % "), (" percent ", "% "), ("% of ", "/100 * "), ("=", " "), ("?", " "), (": ", " "),
)  # fmt: skip
_AROUND = word_set("what what's is how much calculate compute evaluate work out solve round the of equals to")
_UP = word_set("increase increased raise raised rise rises rose grow grows more higher plus add added +")
_DOWN = word_set("decrease decreased reduce reduced lower lowered drop fall less discount off minus -")
_Placed = tuple[int, Fraction]  # the place of a number among the words, and the number
_OTHER = word_set("left remain remains remaining rest not fewer without save tip larger smaller than")


class NotAnExpression(ValueError):
    """The text is no expression, or its value does not exist or is too large to write down."""


def solve_expression(question: QuestionText) -> Solution | None:
    """Compute a question that is one expression from end to end."""
    expression = in_symbols(question.text)
    if parse_number(expression) is not None and question.places is None:
        return None
    tidy = " ".join(expression.replace("*", " × ").replace("/", " / ").split())
    working = f"Brackets and powers come first, then products, then sums: {tidy}"
    try:
        return numeric(evaluate(expression), working, places=question.places)
    except NotAnExpression:
        return None


def calculation(question: QuestionText) -> str:
    """Return the expression that a question comes down to, as any calculator reads it; empty without one."""
    if solve_expression(question) is None:
        return ""
    expression = _SEPARATORS.sub(r"\1", in_symbols(question.text))
    return expression if question.places is None else f"round({expression}, {question.places})"


def in_symbols(text: str) -> str:
    """Rewrite what is said in words and drop the words around it; what is not understood stays."""
    text = f" {text.casefold()[: 2 * _MAX_LENGTH]} "
    for word, symbol in _SYMBOLS:
        text = text.replace(word, symbol)
    return " ".join(skip(skip(text.split(), _AROUND)[::-1], _AROUND)[::-1]).rstrip(".")


def evaluate(text: str) -> Fraction:
    """Return the value of an expression. Raises `NotAnExpression`."""
    plain = _SEPARATORS.sub(r"\1", text).replace("^", "**").strip()
    if len(plain) > _MAX_LENGTH or not _ALLOWED.fullmatch(plain):
        raise NotAnExpression
    try:
        return _value(ast.parse(plain, mode="eval").body, plain)
    except (SyntaxError, MemoryError, RecursionError, ZeroDivisionError) as error:
        raise NotAnExpression from error


def _value(node: ast.expr, text: str) -> Fraction:
    value: Fraction | None = None
    match node:
        case ast.Constant():
            value = parse_number(text[node.col_offset : node.end_col_offset].rstrip("."))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            value = _value(node.operand, text) * (-1 if isinstance(node.op, ast.USub) else 1)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            value = _OPERATORS[type(node.op)](_value(node.left, text), _value(node.right, text))
    if value is None or max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise NotAnExpression
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT or bits * abs(exponent) > _MAX_BITS:
        raise NotAnExpression
    return Fraction(base ** int(exponent))


_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: _power,
}  # fmt: skip


def solve_percentage(question: QuestionText) -> Solution | None:
    """Solve a question that has one percentage and one number, or asks for the percentage of two numbers."""
    said = words(_PERCENT.sub(" % ", question.text.casefold()).replace("+", " + "))
    numbers = [(at, value) for at, word in enumerate(said) if (value := parse_number(word)) is not None]
    rates = [(at, value) for at, value in numbers if said[at + 1 : at + 2] == ["%"]]
    wholes = [(at, value) for at, value in numbers if "of" in said[max(0, at - 1) : at]]
    if "%" not in said or len(numbers) != 2 or _OTHER.intersection(said):  # noqa: PLR2004  # a part and a whole
        return None
    if len(rates) == 1:
        other = next(pair for pair in numbers if pair not in rates)
        value, working = _with_rate(said, rates[0], other)
        return None if value is None else numeric(value, working, places=question.places)
    if rates or len(wholes) != 1 or not wholes[0][1] or (_UP | _DOWN).intersection(said):
        return None
    whole, part = wholes[0][1], next(pair[1] for pair in numbers if pair not in wholes)
    working = f"Divide the part by the whole, times 100: {reading.show(part)} / {reading.show(whole)} × 100"
    return numeric(part / whole * 100, working, places=question.places, unit="%")


def _with_rate(said: list[str], rated: _Placed, other: _Placed) -> tuple[Fraction | None, str]:
    """Find the part, the whole, or what a number becomes when it rises or falls by the rate."""
    rate, number = reading.show(rated[1]), reading.show(other[1])
    direction = bool(_UP.intersection(said)) - bool(_DOWN.intersection(said))
    if direction:
        left = reading.show(factor := 100 + direction * rated[1])
        working = f"Of each hundred, {left} are there afterwards: {number} × {left}/100"
        return other[1] * factor / 100, working
    if [word for word in said[rated[0] + 2 : other[0]] if word != "the"] == ["of"]:
        return rated[1] / 100 * other[1], f"{rate}% means {rate} of every hundred: {rate}/100 × {number}"
    if rated[1] and "of what number" in " ".join(said):
        return other[1] / rated[1] * 100, f"The whole is {number} / {rate} × 100, since {rate}% is {number}"
    return None, ""
