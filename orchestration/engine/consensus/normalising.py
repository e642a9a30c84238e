"""Different spellings of one final answer become the same text."""

from __future__ import annotations

import re
from decimal import Decimal

LONGEST = 200
"""Characters: what is longer is prose, not a final answer."""

_GROUPED = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_CHOICE = re.compile(r"\(?([A-J])(?:\)|[.):]\s.*|\))?", re.DOTALL)
_LATEX = (
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:left|right|!|,|;|quad)"), ""),
    (re.compile(r"\^\{?\\circ\}?"), "°"),
    (re.compile(r"\\([%$&#])"), r"\1"),
)


def normalise(value: str) -> str | None:
    """Return the canonical spelling of a final answer, None for what is empty or too long to be one.

    Numbers lose grouping commas, currency and percent signs, trailing zeros and points.
    """
    text = value.strip().replace("\u2212", "-")
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    text = _without_marks(text)
    text = _GROUPED.sub(lambda match: match.group().replace(",", ""), text)
    choice = _CHOICE.fullmatch(text)
    if choice is not None:
        return choice.group(1)
    number = text.replace("$", "").replace("€", "").replace("£", "").removesuffix("%").strip()
    if _NUMBER.fullmatch(number):
        return _plain_number(number)
    return text if 0 < len(text) <= LONGEST else None


def _without_marks(text: str) -> str:
    """Strip emphasis, quotes, math delimiters and what ends a sentence, as often as they are nested."""
    while True:
        inner = text.strip().strip("*_`$\"'“”").strip()
        inner = inner.removeprefix("\\(").removesuffix("\\)").rstrip(".,;:!").strip()
        if inner == text:
            return inner
        text = inner


def _plain_number(text: str) -> str:
    number = Decimal(text).normalize()
    return "0" if number == 0 else format(number, "f")
