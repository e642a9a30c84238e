"""What a question tells about the form of its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_uppercase

MOST_CHARACTERS = 50_000

_OPTION = re.compile(r"^[ \t]*[(\[]?([A-Z])[).:\]][ \t]+(\S.*)$", re.MULTILINE)
_SOURCE = re.compile(
    r"```|^\s*(?:def|class|for|while|if)\b.*:\s*$|^\s*(?:assert|print)\b|==\s*\?\?", re.MULTILINE
)
_RESULT = re.compile(
    r"\b(?:output|outputs|print|prints|printed|return|returns|returned|evaluates?|assert|assertion)\b",
    re.IGNORECASE,
)
_WRITING = re.compile(
    r"\b(?:write|implement|refactor|fix|improve|optimi[sz]e|translate|convert)\b.{0,40}"
    r"\b(?:function|code|program|script|class|method|tests?)\b",
    re.IGNORECASE | re.DOTALL,
)
_QUANTITY = re.compile(
    r"\bhow\s+(?:many|much|long|far|old|tall|fast|high|heavy|often)\b"
    r"|\b(?:number|sum|value|total|product|average|mean|remainder|percentage|probability|area|cost|price)\s+of\b"
    r"|\bwhat\s+(?:percent|number|is\s+-?[\d(])|\bwhich\s+(?:one\s+)?is\s+(?:the\s+)?(?:larger|smaller|greater|bigger)"
    r"|\b(?:larger|smaller|greater|bigger|largest|smallest)\s+number\b|\bcalculate\b|\bcompute\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The options a question offers by letter, whether it asks what code gives, whether for a number."""

    choices: Mapping[str, str] = field(default_factory=dict)
    code: bool = False
    number: bool = False


OPEN = Asked()
"""Nothing is known about the question."""


def read_question(question: str) -> Asked:
    """Return the form of the answer that `question` asks for."""
    text = question[-MOST_CHARACTERS:]
    choices = offered(text)
    code = not choices and bool(_SOURCE.search(text) and _RESULT.search(text) and not _WRITING.search(text))
    return Asked(choices=choices, code=code, number=not choices and not code and bool(_QUANTITY.search(text)))


def offered(text: str) -> Mapping[str, str]:
    """Return the last list of two or more options, lettered from A without a gap."""
    lists: list[dict[str, str]] = []
    for letter, words in _OPTION.findall(text):
        if letter == "A":
            lists.append({})
        if lists and letter == ascii_uppercase[len(lists[-1]) % len(ascii_uppercase)]:
            lists[-1][letter] = words.strip()
    return next((each for each in reversed(lists) if len(each) > 1), {})
