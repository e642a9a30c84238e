"""Blocks of data in prompts: what stands in one was written by others, and nothing in it can leave it."""

from __future__ import annotations

from orchestra_site.web.patterns import IGNORECASE, Pattern


class BlockTags:
    """The names of the tags around blocks."""

    def __init__(self, *names: str) -> None:
        opening, between = r"[<\x{FF1C}\x{2039}\x{3008}]", r"[\s/\\!?\pC\pM\pZ]{0,20}"
        self._tag = Pattern(rf"{opening}({between}(?:{'|'.join(names)})\b)", IGNORECASE)

    def escaped(self, text: str) -> str:
        """Return `text` with nothing in it that could open or close a block, or looks as if it did."""
        return self._tag.sub(lambda tag: f"&lt;{tag[1]}", text)


DATA = BlockTags("data")
"""Around what tools, people, models and documents gave, as in <data>…</data>."""
