"""A text that is nothing but the answer: one short line, or one code fence."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.engine.consensus.spelling.literal import unfenced

SHORT_TEXT = 60
LITERAL = ("[", "(", "{", "'", '"', "`")
LEFT_OPEN = "??"


def read(text: str) -> Iterator[str]:
    """Yield the whole text, unless it is prose or a question left open."""
    inside = unfenced(text).strip()
    short = "\n" not in inside and (len(inside) <= SHORT_TEXT or inside.startswith(LITERAL))
    if inside and LEFT_OPEN not in inside and (short or inside != text.strip()):
        yield inside
