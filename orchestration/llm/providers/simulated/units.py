"""Unit conversions: length, mass, volume, time, temperature, speed, data.

Customary units are United States ones; kB, MB and GB are powers of 1000; a year has 365 days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from orchestra_site.web.patterns import Pattern
from orchestration.llm.providers.simulated.reading import MARKS, NUMBER, QuestionText, parse_number, show
from orchestration.llm.providers.simulated.solution import Solution, numeric

# For each kind of unit: symbol, size in the base unit, names.
_TABLE = """
length: mm 0.001 millimeters millimetres; cm 0.01 centimeters centimetres; m 1 meters metres;
 km 1000 kilometers kilometres; in 0.0254 inches inch; ft 0.3048 feet foot; mi 1609.344 miles mile
mass: g 0.001 grams; kg 1 kilograms kilogram; t 1000 tonnes; oz 0.028349523125 ounces; lb 0.45359237 pounds
volume: ml 0.001 milliliters millilitres; l 1 liters litres liter litre; gal 3.785411784 gallons gallon;
 pt 0.473176473 pints; cup 0.2365882365 cups
time: s 1 seconds; min 60 minutes; h 3600 hours hour; d 86400 days day; wk 604800 weeks week; y 31536000 years
temperature: °C 1 celsius c; °F 5/9 fahrenheit f; K 1 kelvin
speed: m/s 1; km/h 5/18 kph; mph 0.44704
data: B 1 bytes; kB 1000 kilobytes; MB 1000000 megabytes; GB 1000000000 gigabytes
"""
_OFFSETS = {"°F": Fraction(-160, 9), "K": Fraction("-273.15")}
_LEADING_NUMBER = Pattern(rf"-?{NUMBER}")
_TOWARDS = frozenset({"to", "into", "in", "as"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: a value in it times `factor`, plus `offset`, is the value in the base unit of its kind."""

    symbol: str
    kind: str
    factor: Fraction
    offset: Fraction


def _entries() -> Iterator[tuple[str, Unit]]:
    for line in _TABLE.strip().replace("\n ", " ").split("\n"):
        kind, _, entries = line.partition(":")
        for symbol, factor, *names in (entry.split() for entry in entries.split(";")):
            unit = Unit(symbol, kind, Fraction(factor), _OFFSETS.get(symbol, Fraction(0)))
            yield from ((name.casefold(), unit) for name in (symbol, *names))


UNITS = dict(_entries())


def converted(value: Fraction, source: Unit, target: Unit) -> Fraction:
    """Convert between two units of one kind."""
    return (value * source.factor + source.offset - target.offset) / target.factor


def solve(question: QuestionText) -> Solution | None:
    """Convert one quantity (which may be compound: 5 feet 11 inches) to the unit asked for."""
    tokens = list(_tokens(question.text))
    pairs = list(pairwise([*tokens, ""]))
    asked = [second for first, second in pairs if first == "many"][:1]
    towards = asked or [second for first, second in pairs if first in _TOWARDS][::-1]
    target = next((UNITS[name] for name in towards if name in UNITS), None)
    amounts = [(parse_number("1" if first in ("a", "an") else first), second) for first, second in pairs]
    known = [(amount, UNITS[name]) for amount, name in amounts if amount is not None and name in UNITS]
    units = [unit for _, unit in known]
    if target is None or {unit.kind for unit in units} != {target.kind} or set(units) == {target}:
        return None
    if "half" in tokens or (units[1:] and target.kind == "temperature"):
        return None
    value = sum((converted(amount, unit, target) for amount, unit in known), Fraction(0))
    said = " and ".join(f"{show(amount)} {unit.symbol}" for amount, unit in known)
    source = units[0]
    rates = [f"{n} {source.symbol} is {show(converted(Fraction(n), source, target))}" for n in (0, 1)]
    working = f"{' and '.join(rates)} {target.symbol}, so convert {said} in proportion"
    return numeric(value, working, places=question.places, unit=f" {target.symbol}")


def _tokens(text: str) -> Iterator[str]:
    """Split into words; a number is separated from a unit that is written against it (25°C)."""
    for token in text.casefold().replace("=", " ").replace("degrees ", "").split():
        word = token.strip(MARKS)
        number = _LEADING_NUMBER.match(word)
        yield from filter(None, (number[0], word[number.end() :]) if number else (word,))
