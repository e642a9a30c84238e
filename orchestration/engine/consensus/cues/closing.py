"""Where nothing marks the answer: a text that is short enough to be one, or ends in a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

MARKUP = ("{", "[", "```", "\\")
HEADING = "#"
SHORT_TEXT = 60
SHORT_LINE = 160

_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?%?(?!\w)")
_CLOSING = re.compile(rf"({_NUMBER.pattern})\W*(?:[^\W\d]+\W*){{0,2}}$")
_BOLD = re.compile(r"\*\*([^*\n]{1,60})\*\*\W*$")
_FOOTNOTE = re.compile(r"_[^_]+_|\*[^*]+\*|\([^()]*\)")


def read(text: str) -> Iterator[str]:
    """Yield at most one answer: what the last line ends in, or the whole of a single short line."""
    if text.lstrip().startswith(MARKUP):
        return
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and _FOOTNOTE.fullmatch(lines[-1]):
        lines.pop()
    if not lines or len(lines[-1]) > SHORT_LINE or lines[-1].startswith(HEADING):
        return
    last = lines[-1]
    if len(lines) == 1 and len(last) <= SHORT_TEXT and not _NUMBER.search(last):
        yield last
        return
    found = _BOLD.search(last) or _CLOSING.search(last)
    if found is not None:
        yield found.group(1)
