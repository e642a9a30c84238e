"""Numbers: signs, grouping, currency, percent, fractions, powers of ten, units."""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 60
"""Characters of a number; what is longer is a sequence of digits, not a quantity."""

MOST_DECIMALS = 40
LARGEST_POWER = 40

_PLAIN = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_NUMBER = re.compile(_PLAIN)
_RATIO = re.compile(rf"\(?({_PLAIN})\)?\s*/\s*\(?(\d+(?:\.\d+)?)\)?")
_NEGATED = re.compile(r"-\s*\(([^()]*)\)")
_MIXED = re.compile(r"([-+]?\d+)\s+(\d+)/(\d+)")
_POWER = re.compile(rf"({_PLAIN})\s*(?:[eE]|[*×x]\s*10\s*\^?\s*)\{{?([-+]?\d{{1,3}})\}}?")
_SCALED = re.compile(rf"({_PLAIN})\s*(hundred|thousand|million|billion|trillion)", re.IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_GROUPED = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")
_LEAD = re.compile(r"^(?:[a-zA-Z]\w?\s*=|≈|~|=|about|approximately|exactly|around)\s*", re.IGNORECASE)
_CURRENCY = re.compile(r"[$€£¥]|\b(?:USD|EUR|GBP)\b")
_UNIT = re.compile(
    rf"({_PLAIN}(?:\s*/\s*\d+)?)\s*(?:%|°|[-/]?\s*[^\W\d]+)(?:[\s/.*·-]+(?:[^\W\d]+|\d?[²³])){{0,4}}[.²³%]?"
)
_SINGLE = re.compile(rf"(?<![\w.])(?:{_PLAIN})(?![\w]|\.\d)")


def ungrouped(text: str) -> str:
    """Drop the commas between groups of three digits."""
    return _GROUPED.sub(lambda match: match.group().replace(",", ""), text)


def value(text: str) -> Fraction | None:
    """Return the number that `text` is, currency and percent signs aside; None when it is none."""
    text = _CURRENCY.sub("", ungrouped(text.replace("\u2212", "-"))).strip().removesuffix("%").strip()
    text = _LEAD.sub("", text, count=1)
    if len(text) > LONGEST:
        return None
    if (negated := _NEGATED.fullmatch(text)) is not None:
        inner = value(negated.group(1))
        return None if inner is None else -inner
    return _read(text)


def _read(text: str) -> Fraction | None:
    if _NUMBER.fullmatch(text):
        return Fraction(text.rstrip("."))
    if (ratio := _RATIO.fullmatch(text)) is not None:
        return Fraction(ratio.group(1)) / Fraction(ratio.group(2)) if Fraction(ratio.group(2)) else None
    if (mixed := _MIXED.fullmatch(text)) is not None and int(mixed.group(3)):
        whole, part = int(mixed.group(1)), Fraction(int(mixed.group(2)), int(mixed.group(3)))
        return whole - part if text.startswith("-") else whole + part
    if (power := _POWER.fullmatch(text)) is not None and abs(int(power.group(2))) <= LARGEST_POWER:
        return Fraction(power.group(1)) * Fraction(10) ** int(power.group(2))
    if (scaled := _SCALED.fullmatch(text)) is not None:
        return Fraction(scaled.group(1)) * _SCALES[scaled.group(2).lower()]
    return None


def measured(text: str) -> Fraction | None:
    """Return the number of a quantity: "42 km", "$52,500/year", "6th"."""
    found = _UNIT.fullmatch(_LEAD.sub("", _CURRENCY.sub("", ungrouped(text)).strip(), count=1))
    return value(found.group(1)) if found is not None else None


def only(text: str) -> Fraction | None:
    """Return the one number that stands in `text`, None when there is none or more than one."""
    found = {value(match) for match in _SINGLE.findall(_CURRENCY.sub("", ungrouped(text)))}
    return found.pop() if len(found) == 1 else None


def key(number: Fraction) -> str:
    """Return the one spelling of a number: decimal where it ends, otherwise a reduced fraction."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    digits = str(abs(int(number * 10**places))).rjust(places + 1, "0")
    whole, decimals = (digits[:-places], f".{digits[-places:]}") if places else (digits, "")
    return f"{'-' if number < 0 else ''}{whole}{decimals}"
