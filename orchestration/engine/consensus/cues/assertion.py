"""An assertion that was completed: `assert f(1) == 2`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ASSERTION = re.compile(r"^[ \t>`]*assert\b[^\n]*?==[ \t]*(\S[^\n]*?)[ \t`]*$", re.MULTILINE)


def read(text: str) -> Iterator[str]:
    """Yield the right side of each assertion that compares."""
    yield from (found for found in _ASSERTION.findall(text) if not found.startswith("?"))
