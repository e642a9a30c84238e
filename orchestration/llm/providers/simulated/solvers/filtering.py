"""Conditions on the items of a list: even, greater than 10, starting with b, distinct."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from orchestration.llm.providers.simulated.numbers import NUMBER, parse_number, with_digits

_N = rf"(-?{NUMBER})"
_QUOTE = r"[\"'`]?"
Test = Callable[[str], bool]


def _value(item: str) -> Fraction | None:
    try:
        return parse_number(item.strip("$€£% "))
    except ValueError:
        return None


def _numeric(test: Callable[[Fraction], bool]) -> Test:
    def check(item: str) -> bool:
        value = _value(item)
        return value is not None and test(value)

    return check


_CONDITIONS: tuple[tuple[str, Callable[[re.Match[str]], Test]], ...] = (
    (r"\beven\b", lambda _: _numeric(lambda v: v % 2 == 0)),
    (r"\bodd\b", lambda _: _numeric(lambda v: v % 2 == 1)),
    (r"\bnegative\b", lambda _: _numeric(lambda v: v < 0)),
    (r"\bpositive\b", lambda _: _numeric(lambda v: v > 0)),
    (r"\bprimes?\b", lambda _: _numeric(is_prime)),
    (
        rf"\b(?:divisible by|multiples? of)\s+{_N}",
        lambda m: _numeric(lambda v: v % (parse_number(m[1]) or 1) == 0),
    ),
    (
        rf"\bbetween\s+{_N}\s+and\s+{_N}",
        lambda m: _numeric(lambda v: parse_number(m[1]) <= v <= parse_number(m[2])),
    ),
    (
        rf"\b(?:at least|no less than|greater than or equal to)\s+{_N}(?!\s*(?:letters|characters))",
        lambda m: _numeric(lambda v: v >= parse_number(m[1])),
    ),
    (
        rf"\b(?:at most|no more than|less than or equal to)\s+{_N}(?!\s*(?:letters|characters))",
        lambda m: _numeric(lambda v: v <= parse_number(m[1])),
    ),
    (
        (
            rf"(?:\b(?:greater|larger|bigger|higher|more) than|\babove|\bover|\bexceed(?:ing)?"
            rf"|>)\s+{_N}(?!\s*(?:letters|characters))"
        ),
        lambda m: _numeric(lambda v: v > parse_number(m[1])),
    ),
    (
        rf"(?:\b(?:less|smaller|lower|fewer) than|\bbelow|\bunder|<)\s+{_N}(?!\s*(?:letters|characters))",
        lambda m: _numeric(lambda v: v < parse_number(m[1])),
    ),
    (
        rf"\b(?:start|begin)\w*\s+with\s+(?:the letter\s+|an?\s+(?=\"))?{_QUOTE}(\w+)",
        lambda m: lambda item: item.casefold().startswith(m[1].casefold()),
    ),
    (
        rf"\bend\w*\s+(?:with|in)\s+(?:the letter\s+)?{_QUOTE}(\w+)",
        lambda m: lambda item: item.casefold().endswith(m[1].casefold()),
    ),
    (
        rf"\bcontain\w*\s+(?:the (?:letter|letters)\s+)?{_QUOTE}(\w+){_QUOTE}\s*$",
        lambda m: lambda item: m[1].casefold() in item.casefold(),
    ),
    (
        rf"\b(?:longer|more) than\s+{_N}\s*(?:letters|characters)",
        lambda m: lambda item: len(item) > parse_number(m[1]),
    ),
    (
        rf"\b(?:shorter|less|fewer) than\s+{_N}\s*(?:letters|characters)",
        lambda m: lambda item: len(item) < parse_number(m[1]),
    ),
    (rf"\bat least\s+{_N}\s*(?:letters|characters)", lambda m: lambda item: len(item) >= parse_number(m[1])),
    (
        rf"\b(?:have|has|with|of|exactly)\s+(?:exactly\s+)?{_N}\s*(?:letters|characters)",
        lambda m: lambda item: len(item) == parse_number(m[1]),
    ),
)
_DISTINCT = re.compile(
    r"\b(?:distinct|unique|different|without duplicates|duplicates removed|remov\w+ duplicates|dedup\w*)\b",
    re.IGNORECASE,
)


def is_prime(value: Fraction) -> bool:
    """Tell whether a whole number below a million million is prime."""
    if value.denominator != 1 or not 1 < value < 10**12:
        return False
    whole = int(value)
    return all(whole % divisor for divisor in range(2, int(whole**0.5) + 1))


def kept(members: list[str], asked: str) -> list[str] | None:
    """Return the items that meet every condition in `asked`; None when it names none."""
    text = with_digits(asked)
    found = [(re.search(pattern, text, re.IGNORECASE), make) for pattern, make in _CONDITIONS]
    tests = [make(match) for match, make in found if match]
    distinct = bool(_DISTINCT.search(text))
    if not tests and not distinct:
        return None
    passing = [item for item in members if all(test(item) for test in tests)]
    if not distinct:
        return passing
    first: dict[str, str] = {}
    for item in passing:
        first.setdefault(item.casefold(), item)
    return list(first.values())
