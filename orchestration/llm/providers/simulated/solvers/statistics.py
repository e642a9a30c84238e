"""One figure about a list: largest, smallest, mean, median, mode, range, total; comparisons of two."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

from orchestration.llm.providers.simulated.expression import NotAnExpression, evaluate
from orchestration.llm.providers.simulated.material import instruction, material
from orchestration.llm.providers.simulated.numbers import (
    NUMBER,
    SIGNED,
    numbers_in,
    parse_number,
    with_digits,
)
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, chosen, numeric

_BIG = r"largest|biggest|maximum|max|highest|greatest|larger|bigger|greater|higher"
_SMALL = r"smallest|minimum|min|lowest|least|smaller|lower|lesser"
_NTH = {"second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3}


def _middle(values: list[Fraction]) -> Fraction:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _commonest(values: list[Fraction]) -> Fraction:
    return Counter(values).most_common(1)[0][0]


def _product(values: list[Fraction]) -> Fraction:
    total = Fraction(1)
    for value in values:
        total *= value
    return total


_FIGURES: tuple[tuple[str, str, Callable[[list[Fraction]], Fraction]], ...] = (
    (r"median", "Sort the numbers and take the middle one, or the mean of the two in the middle", _middle),
    (
        r"mean|average",
        "Add the numbers and divide by how many there are",
        lambda values: sum(values, Fraction(0)) / len(values),
    ),
    (
        r"mode|most (?:common|frequent)",
        "Count how often each number occurs and take the commonest",
        _commonest,
    ),
    (r"range|spread", "Take the smallest number from the largest", lambda values: max(values) - min(values)),
    (r"sum|total|add", "Add the numbers one after another", lambda values: sum(values, Fraction(0))),
    (r"product", "Multiply the numbers one after another", _product),
    (_BIG, "Compare the numbers pair by pair and keep the larger", max),
    (_SMALL, "Compare the numbers pair by pair and keep the smaller", min),
)
_ANY = re.compile(rf"\b(?:{'|'.join(pattern for pattern, _, _ in _FIGURES)})\b", re.IGNORECASE)
_FOREIGN = re.compile(
    rf"\b(?:percent|how many|sort|arrange|order|extract|miles?|hours?|km|each|costs?|squares?|squared|cubes?"
    rf"|roots?|digits|amounts?|invoice)\b|%|{NUMBER}\s*[*×+^]",
    re.IGNORECASE,
)
_FRACTION = re.compile(rf"(?<![\w./]){NUMBER}\s*/\s*{NUMBER}(?![/\d])")
_CLAIM = re.compile(
    rf"^is\s+(-?{NUMBER})\s+(?P<sign>{_BIG}|more|{_SMALL}|less|equal)\s+(?:than|to)\s+(-?{NUMBER})\s*\??$",
    re.IGNORECASE,
)


def solve(question: Question) -> Solution | None:
    """Find the figure that the question names."""
    text = with_digits(question.text)
    claim = _CLAIM.search(text)
    if claim:
        return _judged(claim)
    asked = instruction(text)
    if not _ANY.search(asked):
        return None
    return _figure(text, asked, question.places)


def _figure(text: str, asked: str, places: int | None) -> Solution | None:
    data = material(text)
    if _FOREIGN.search(asked):
        return None
    written = text if data is None else data
    if _FRACTION.search(written):
        return _fraction(written, asked)
    values = _values(written)
    if not values[1:]:
        return None
    ranked = re.search(rf"\b({'|'.join(_NTH)})[- ](?:({_BIG})|({_SMALL}))\b", asked, re.IGNORECASE)
    if ranked:
        return _ranked(values, _NTH[ranked[1].lower()], "down" if ranked[2] else "up")
    for pattern, working, figure in _FIGURES:
        if re.search(rf"\b(?:{pattern})\b", asked, re.IGNORECASE):
            return numeric(figure(values), working, places=places)
    return None


def _values(text: str) -> list[Fraction]:
    """Read the numbers; commas without spaces between them separate, too."""
    values = numbers_in(re.sub(r"\b(?:2nd|3rd|4th)\b", "", text))
    if len(values) == 1 and "," in text:
        return [parse_number(part) for part in re.findall(SIGNED, text.replace(",", ", "))]
    return values


def _fraction(text: str, asked: str) -> Solution | None:
    """Compare numbers of which some are written as fractions, and answer in the same writing."""
    written = re.findall(rf"-?{NUMBER}(?:\s*/\s*{NUMBER})?", text)
    try:
        ordered = sorted(written, key=evaluate)
    except NotAnExpression:
        return None
    end = -1 if re.search(rf"\b(?:{_BIG})\b", asked, re.IGNORECASE) else 0
    compares = end or re.search(rf"\b(?:{_SMALL})\b", asked, re.IGNORECASE)
    return chosen(ordered[end], written, "Bring the fractions to one denominator") if compares else None


def _ranked(values: list[Fraction], skip: int, direction: str) -> Solution | None:
    distinct = sorted(set(values), reverse=direction == "down")
    if len(distinct) <= skip:
        return None
    return numeric(distinct[skip], "Sort the different numbers and count along to the place asked for")


def _judged(claim: re.Match[str]) -> Solution:
    first, second, sign = parse_number(claim[1]), parse_number(claim[3]), claim["sign"].lower()
    if sign == "equal":
        holds = first == second
    elif sign == "less" or sign in _SMALL.split("|"):
        holds = first < second
    else:
        holds = first > second
    return chosen(
        "Yes" if holds else "No", ("Yes", "No"), f"Take {claim[3]} from {claim[1]} and look at the sign"
    )
