"""A line of its own that says `Answer: ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestration.engine.consensus.cues import sentence

_LINE = re.compile(
    r"^[^\w\n]*(?:final[ ]|correct[ ])?answer[*_ ]*[:=][*_\s]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)


def read(text: str) -> Iterator[str]:
    """Yield what stands behind each `Answer:`; of a whole sentence there, what it says."""
    for line in _LINE.findall(text):
        yield next(sentence.read(line), line)
