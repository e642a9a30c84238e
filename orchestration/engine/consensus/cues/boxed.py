"""What LaTeX puts in a box."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 800
MOST = 20

_OPENING = re.compile(r"(?:\\+|\x08)(?:f?boxed|fbox)\s*\{|\x08oxed\s*\{")


def read(text: str) -> Iterator[str]:
    r"""Yield what each `\boxed{...}` holds, braces matched; a box that is never closed holds nothing."""
    for start in list(_OPENING.finditer(text))[-MOST:]:
        depth = 1
        for position in range(start.end(), min(len(text), start.end() + LONGEST)):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                yield text[start.end() : position]
                break
