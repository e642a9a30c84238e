"""Numbers as people write them: thousands separators, decimals, words. Values are exact fractions."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
SIGNED = rf"(?<![\w.])-?{NUMBER}"

_EXACT_PLACES = 12
_ROUNDED_PLACES = 6

_ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_SMALL = {word: value for value, word in enumerate(_ONES.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), start=2)
}
_WORD = "|".join(sorted([*_SMALL, "hundred", *_SCALES], key=len, reverse=True))
_AND = r"(?:(?:(?<=hundred)|(?<=thousand)|(?<=million))\s+and\s+)"
_RUN = re.compile(rf"\b(?:{_WORD})(?:(?:{_AND}|\s+|-)(?:{_WORD}))*\b", re.IGNORECASE)


def parse_number(text: str) -> Fraction:
    """Read "2,300.50" or "-7"; `ValueError` for anything else."""
    return Fraction(text.replace(",", "").strip())


def numbers_in(text: str) -> list[Fraction]:
    """Return every number of the text in order, with its sign."""
    return [parse_number(found) for found in re.findall(SIGNED, text)]


def with_digits(text: str) -> str:
    """Write number words as digits: "twenty-three plus four" becomes "23 plus 4"."""
    return _RUN.sub(lambda run: str(_spelled(run[0].lower())), text)


def _spelled(words: str) -> int:
    total = current = 0
    for word in re.findall("[a-z]+", words):
        if word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total += max(current, 1) * _SCALES[word]
            current = 0
        else:
            current += _SMALL.get(word, 0)
    return total + current


def show(value: Fraction, places: int | None = None) -> str:
    """Write a value in plain digits.

    `places` fixes the decimals (half up; negative rounds to tens, hundreds). Without it a value that ends
    within 12 decimals is written exactly and any other is rounded to 6.
    """
    if places is not None:
        return _fixed(value, places)
    scaled = value * 10**_EXACT_PLACES
    written = _fixed(value, _EXACT_PLACES if scaled.denominator == 1 else _ROUNDED_PLACES)
    return written.rstrip("0").rstrip(".") if "." in written else written


def _fixed(value: Fraction, places: int) -> str:
    with localcontext() as context:
        context.prec = len(str(abs(value.numerator))) + 40
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return f"{rounded + 0:f}" if rounded else f"{abs(rounded):f}"
