"""Documents as they are searched: cut into passages, and the words of a query."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra_site.web.alphabets import storable_text
from orchestra_site.web.patterns import Pattern

LARGEST = 2_000_000
"""Bytes of a document."""
PASSAGE = 1_200
"""Characters of a passage, about; one ends at the end of a paragraph, a line or a word where there is one."""
MOST_WORDS, LONGEST_WORD = 30, 60
WORD = Pattern(r"\w+")
ENDS = ("\n\n", "\n", ". ", " ")


def document_text(raw: bytes) -> str:
    """Return an uploaded text as it is stored. Raises `ValueError` with a sentence."""
    if len(raw) > LARGEST:
        raise ValueError(f"The document has {len(raw):,} bytes; at most {LARGEST:,} are read. Cut it in two.")
    if b"\0" in raw[:1000]:
        raise ValueError("This is no text. Upload plain text or Markdown.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("The text is not written in UTF-8. Save it as UTF-8 and upload it again.") from None
    whole = storable_text(text).replace("\r\n", "\n").strip()
    if not whole:
        raise ValueError("The document is empty.")
    return whole


def passages(text: str) -> Iterator[str]:
    """Yield a text in passages of at most 1,200 characters."""
    start = 0
    while start < len(text):
        end = _end(text, start) if len(text) - start > PASSAGE else len(text)
        passage = text[start:end].strip()
        if passage:
            yield passage
        start = end


def _end(text: str, start: int) -> int:
    """Return where the passage from `start` ends: in its second half, at the best place there."""
    limit = start + PASSAGE
    for end in ENDS:
        at = text.rfind(end, start + PASSAGE // 2, limit)
        if at >= 0:
            return at + len(end)
    return limit


def query_words(query: str) -> tuple[str, ...]:
    """Return the different words of a query in lower case, the first 30."""
    found = (match.group()[:LONGEST_WORD].lower() for match in WORD.finditer(query))
    words: dict[str, None] = {}
    for word in found:
        words[word] = None
        if len(words) == MOST_WORDS:
            break
    return tuple(words)
