"""A sentence that says what the answer is."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SENTENCE = re.compile(
    r"\bthe\s+(?:final\s+|correct\s+|right\s+|best\s+)?answer\s+(?:is|should\s+be|must\s+be|would\s+be|=)"
    r"\s*:?\s*(.+?)(?:[.;!?](?=\s|$)|\n|$)",
    re.IGNORECASE,
)


def read(text: str) -> Iterator[str]:
    """Yield the end of each sentence of the form "the answer is ..."."""
    yield from _SENTENCE.findall(text)
