"""An option that is named by its letter: "option (B)", "(B) is correct", "which is (B)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STATED = re.compile(
    r"\banswer\s*(?:is|should\s+be|would\s+be|must\s+be|:)\s*[:*_$\\(\[\s{]*(?:boxed\{|text\{)?"
    r"(?:option|choice)?\s*[*(\[\s]*([A-Z])\b(?!['’])",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:option|choice)\s*(?:is|:)?\s*[(*\[]*([A-Z])\b"
    r"|\(([A-Z])\)\s+is\s+(?:the\s+)?(?:correct|right|best|answer)"
    r"|\b(?:is|be|are|called)\s*:?\s*\**(?:\(([A-Z])\)|([A-Z])[.)](?=\s))"
)
_PARENTHESISED = re.compile(r"\(([A-Z])\)")
_LISTED = re.compile(r"(?:^|\n)\s*[(*\[]*([A-Z])[).:\]*]+(?:\s|$)")
_SECOND_THOUGHT = re.compile(
    r"\b(?:wait|actually|correction|mistake|sorry|apologi[sz]e|reconsider|on second thought)\b", re.IGNORECASE
)
TAIL = 400


def stated(text: str) -> Iterator[str]:
    """Yield the letters that are said to be the answer: the first, and those after a second thought.

    What follows the first without one is mostly another question that the model goes on to ask itself.
    """
    end = 0
    for match in _STATED.finditer(text):
        letter = match.group(1)
        if letter.isupper() and (end == 0 or _SECOND_THOUGHT.search(text, end, match.start())):
            yield letter
            end = match.end()


def named(text: str) -> Iterator[str]:
    """Yield the letters that the end of the text names as options, the clearest wording last."""
    end = text[-TAIL:]
    for pattern in (_LISTED, _PARENTHESISED, _NAMED):
        yield from (next(filter(None, match.groups())) for match in pattern.finditer(end))
