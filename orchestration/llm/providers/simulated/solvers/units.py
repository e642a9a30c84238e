"""Unit conversions: length, mass, volume, time, temperature, speed, data, area, angle, energy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric
from orchestration.llm.providers.simulated.solvers.measures import (
    UNIT_NAME,
    Dimension,
    Unit,
    converted,
    unit_named,
)

_QUANTITY = re.compile(
    rf"(?<![\w.])(?P<number>-?{NUMBER}|\ban?\b|\bone\b|\bhalf an?\b)\s*-?\s*(?P<unit>{UNIT_NAME})",
    re.IGNORECASE,
)
_TARGETS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bhow many\s+({UNIT_NAME})",
        rf"\b(?:what|which) (?:number|amount) of\s+({UNIT_NAME})",
        (
            rf"\b(?:in|into|to|as|using)\s+(?:units of\s+|the unit\s+)?({UNIT_NAME})(?!\s*(?:{NUMBER}"
            rf"|is\b|are\b))"
        ),
        rf"(?:=|\bequals?)\s*(?:\?|how many|what)?\s*({UNIT_NAME})",
        rf"\bwhat is the ({UNIT_NAME}) (?:equivalent|value)",
    )
)
_OTHER_TASKS = re.compile(
    r"\bbetween\b|\b(?:after|before|from)\b.*\b(?:19|20)\d\d\b|\bper\b(?! (?:hour|second))"
    r"|\bcosts?\b|\btravel|\bdrives?\b"
    r"|\bweekday\b|\bday of the week\b|\baverage\b|\bleap\b|\bleft\b|\bremain",
    re.IGNORECASE,
)
_ARTICLES = {
    "a": Fraction(1),
    "an": Fraction(1),
    "one": Fraction(1),
    "half a": Fraction(1, 2),
    "half an": Fraction(1, 2),
}


def solve(question: Question) -> Solution | None:
    """Convert one quantity (which may be compound: 5 feet 11 inches) to the unit asked for."""
    text = with_digits(question.text)
    if _OTHER_TASKS.search(text) or "%" in text:
        return None
    target = _target(text)
    if target is None:
        return None
    return _convert(_quantities(text, target), target[0], question.places)


def _target(text: str) -> tuple[Unit, int] | None:
    """Return the unit asked for and where its name stands."""
    for pattern in _TARGETS:
        for found in pattern.finditer(text):
            unit = unit_named(found[1])
            if unit is not None:
                return unit, found.start(1)
    return None


def _quantities(text: str, target: tuple[Unit, int]) -> list[tuple[Fraction, Unit]]:
    found = []
    for match in _QUANTITY.finditer(text):
        unit = unit_named(match["unit"])
        if unit is not None and match.start("unit") != target[1]:
            found.append((_amount(match["number"]), unit))
    return found


def _amount(written: str) -> Fraction:
    word = " ".join(written.lower().split())
    return _ARTICLES[word] if word in _ARTICLES else parse_number(written)


def _convert(quantities: list[tuple[Fraction, Unit]], target: Unit, places: int | None) -> Solution | None:
    fitting = [(_fluid(unit, [target]), amount) for amount, unit in quantities]
    target = _fluid(target, [unit for unit, _ in fitting])
    if not fitting or all(unit == target for unit, _ in fitting):
        return None
    if any(unit.dimension != target.dimension for unit, _ in fitting):
        return None
    if len(fitting) > 1 and target.dimension == Dimension.TEMPERATURE:
        return None
    value = sum((converted(amount, unit, target) for unit, amount in fitting), Fraction(0))
    said = " and ".join(f"{show(amount)} {unit.symbol}" for unit, amount in fitting)
    return numeric(value, _working(said, fitting[0][0], target), places=places, unit=f" {target.symbol}")


def _fluid(unit: Unit, others: Iterable[Unit]) -> Unit:
    """Read an ounce among volumes as a fluid one."""
    among_volumes = unit.symbol == "oz" and any(other.dimension == Dimension.VOLUME for other in others)
    return (unit_named("fluid ounce") or unit) if among_volumes else unit


def _working(said: str, source: Unit, target: Unit) -> str:
    if target.dimension == Dimension.TEMPERATURE:
        zero, one = (show(converted(Fraction(value), source, target)) for value in (0, 1))
        return (
            f"0 {source.symbol} is {zero} {target.symbol} and 1 {source.symbol} is {one} {target.symbol}; "
            f"in that proportion, convert {said}"
        )
    rate = show(converted(Fraction(1), source, target))
    return f"1 {source.symbol} is {rate} {target.symbol}, so convert {said} at that rate"
