"""A last line after four number signs, as some training sets taught models to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HASHES = re.compile(r"^#{4}[ \t]*([^#\s][^\n]*)$", re.MULTILINE)
_HEADING = re.compile(r"[^\W\d]+.*")


def read(text: str) -> Iterator[str]:
    """Yield what stands behind each `####`, unless it is a heading in words."""
    yield from (found for found in _HASHES.findall(text) if not _HEADING.match(found))
