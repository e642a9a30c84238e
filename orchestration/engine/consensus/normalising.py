"""Different spellings of one final answer become the same text, still as a person would write it."""

from __future__ import annotations

import re

from orchestration.engine.consensus.spelling import latex, number

LONGEST = 200
"""Characters: what is longer is prose, not a final answer."""

_CHOICE = re.compile(r"\(?([A-J])(?:\)|[.):]\s.*|\))?", re.DOTALL)
_TOKEN_MARK = re.compile(r"<\|?/?[a-zA-Z_]+\|?>$")
_PLAIN_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")


def normalise(value: str) -> str | None:
    """Return the canonical spelling of a final answer, None for what is empty or too long to be one.

    Numbers lose grouping commas, currency and percent signs, trailing zeros and points.
    """
    text = latex.plain(value).replace("\u2212", "-")
    text = number.ungrouped(_without_marks(text))
    choice = _CHOICE.fullmatch(text)
    if choice is not None:
        return choice.group(1)
    plain = text.replace("$", "").replace("€", "").replace("£", "").removesuffix("%").strip()
    if _PLAIN_NUMBER.fullmatch(plain):
        found = number.value(plain)
        return number.key(found) if found is not None else text
    return text if 0 < len(text) <= LONGEST else None


def _without_marks(text: str) -> str:
    """Strip emphasis, quotes, math delimiters and what ends a sentence, as often as they are nested."""
    while True:
        inner = text.strip().strip("*_`$\"'“”").strip()
        inner = inner.removeprefix("\\(").removesuffix("\\)").rstrip(".,;:!").strip()
        inner = _TOKEN_MARK.sub("", inner)
        if inner == text:
            return inner
        text = inner
