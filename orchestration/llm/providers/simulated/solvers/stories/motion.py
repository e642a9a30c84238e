"""A way at a speed: two of speed, time and distance are given, the third is asked for."""

from __future__ import annotations

import re
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric
from orchestration.llm.providers.simulated.solvers.measures import Dimension, Unit, converted, unit_named

_WAY = r"km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|m|feet|foot|ft"
_TIME = r"hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s"
_SPEED = re.compile(
    rf"({NUMBER})\s*(?:(?P<way>{_WAY})\s*(?:/|per|an?)\s*(?P<time>{_TIME})\b|(?P<short>mph|kph|kmh)\b)",
    re.IGNORECASE,
)
_DURATION = re.compile(rf"({NUMBER})[\s-]*({_TIME})\b", re.IGNORECASE)
_DISTANCE = re.compile(rf"({NUMBER})[\s-]*({_WAY})\b", re.IGNORECASE)
_HOW_FAR = re.compile(rf"\bhow (?:far|many (?:{_WAY}))\b|\bdistance\b", re.IGNORECASE)
_HOW_LONG = re.compile(rf"\bhow (?:long|much time|many (?:{_TIME}))\b|\bwhat time\b", re.IGNORECASE)
_HOW_FAST = re.compile(r"\bspeed\b|\bhow fast\b", re.IGNORECASE)
_SHORT = {"mph": ("mile", "hour"), "kph": ("km", "hour"), "kmh": ("km", "hour")}
_GIVEN = 2
_METER = Unit("m", Dimension.LENGTH, Fraction(1))
_SECOND = Unit("s", Dimension.TIME, Fraction(1))

Quantity = tuple[Fraction, Unit]


def solve(question: Question) -> Solution | None:
    """Find the third of speed, time and distance."""
    text = with_digits(question.text)
    if len(re.findall(NUMBER, text)) != _GIVEN:
        return None
    said = _SPEED.search(text)
    rest = _SPEED.sub(" ", text, count=1)
    time, way = _quantity(_DURATION, rest), _quantity(_DISTANCE, rest)
    if said and time and _HOW_FAR.search(text):
        return _far(said, time, question.places)
    if said and way and _HOW_LONG.search(text):
        return _long(said, way, question.places)
    if time and way and _HOW_FAST.search(text):
        return _fast(time, way, question.places)
    return None


def _quantity(pattern: re.Pattern[str], text: str) -> Quantity | None:
    found = pattern.search(text)
    unit = unit_named(found[2]) if found else None
    return (parse_number(found[1]), unit) if found and unit else None


def _units(said: re.Match[str]) -> tuple[Unit, Unit]:
    """Return the length and the time that a speed is told in."""
    way, time = _SHORT[said["short"].lower()] if said["short"] else (said["way"], said["time"])
    return unit_named(way) or _METER, unit_named(time) or _SECOND


def _far(said: re.Match[str], time: Quantity, places: int | None) -> Solution:
    way_unit, time_unit = _units(said)
    speed, hours = parse_number(said[1]), converted(time[0], time[1], time_unit)
    working = f"Distance is speed times time: {show(speed)} × {show(hours)}"
    return numeric(speed * hours, working, places=places, unit=f" {way_unit.symbol}")


def _long(said: re.Match[str], way: Quantity, places: int | None) -> Solution | None:
    way_unit, time_unit = _units(said)
    speed, length = parse_number(said[1]), converted(way[0], way[1], way_unit)
    if not speed:
        return None
    working = f"Time is distance over speed: {show(length)} / {show(speed)}"
    return numeric(length / speed, working, places=places, unit=f" {time_unit.symbol}")


def _fast(time: Quantity, way: Quantity, places: int | None) -> Solution | None:
    if not time[0]:
        return None
    working = f"Speed is distance over time: {show(way[0])} / {show(time[0])}"
    return numeric(way[0] / time[0], working, places=places, unit=f" {way[1].symbol}/{time[1].symbol}")
