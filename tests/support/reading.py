"""What a person reads on a page: its text and the words of its labels, without code."""

from __future__ import annotations

from html.parser import HTMLParser

UNREAD = {"script", "style", "code", "pre", "template"}
WORDS_IN = {"title", "aria-label", "placeholder", "alt"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class ReadingText(HTMLParser):
    """Collects what is read of a page, a piece for each element's text and each label."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        read = WORDS_IN | {"value"} if ("type", "number") in attrs else WORDS_IN
        self.pieces += [value for name, value in attrs if name in read and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not UNREAD & set(self._open) and data.strip():
            self.pieces.append(" ".join(data.split()))


def read_text(html: str) -> list[str]:
    """Return the pieces of text that a page shows."""
    reading = ReadingText()
    reading.feed(html)
    return reading.pieces
