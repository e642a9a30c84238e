"""The part of a long text that pages show. Load it in templates as `excerpts`."""

from __future__ import annotations

from bisect import bisect_right

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from orchestra_site.web.markdown import as_text, rendered
from orchestra_site.web.patterns import Pattern

register = template.Library()

SHOWN_BYTES = 200_000
"""What a page shows of one text, written as HTML: less than the largest message of a socket."""
SURELY_SHOWN = SHOWN_BYTES // 6
"""Characters that fit whatever they are: an escaped quotation mark takes six bytes."""
LONGEST_RENDERED = 2 * SHOWN_BYTES
LONGEST_LINE = 240
_EMPTY_LINE = Pattern(r"[\s>#*_~`|:=-]*(?:```\w*)?")
_LINE_START = Pattern(r"\s*(?:(?:>|#{1,6}|[-*+])\s+)*")
_PAIRS = tuple(
    Pattern(expression)
    for expression in (
        r"!?\[([^\[\]]+)\]\([^()\s]*\)",
        r"`+([^`]+)`+",
        r"\*\*([^\s*](?:[^*]*[^\s*])?)\*\*",
        r"\b__([^\s_](?:[^_]*[^\s_])?)__\b",
        r"~~([^~]+)~~",
        r"\*([^\s*](?:[^*]*[^\s*])?)\*",
    )
)
"""Marks of Markdown around words."""


@register.filter
def excerpt(text: str) -> str:
    """Return the beginning of `text` that takes up at most 200,000 bytes as HTML: all of most texts."""
    if len(text) <= SURELY_SHOWN:
        return text
    head = text[:SHOWN_BYTES]
    if _size(head) <= SHOWN_BYTES:
        return head
    fitting = bisect_right(range(1, len(head) + 1), SHOWN_BYTES, key=lambda length: _size(head[:length]))
    return head[:fitting]


@register.filter
def is_longer(text: str) -> bool:
    """Return whether a page shows only a part of `text`."""
    return len(excerpt(text)) < len(text)


@register.filter
def prose(text: str) -> SafeString:
    """Show what a page shows of an untrusted text as markdown, or as it is where that grows too large."""
    shown = excerpt(text)
    html = rendered(shown)
    return html if _size(html, 1) <= LONGEST_RENDERED else as_text(shown)


@register.filter
def first_line(text: str) -> str:
    """Return the first line of a Markdown text that says something, without its marks."""
    lines = (line for line in text.splitlines() if not _EMPTY_LINE.fullmatch(line))
    line = _LINE_START.sub("", next(lines, ""), 1)
    for pair in _PAIRS:
        line = pair.sub(r"\1", line)
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    told = " · ".join(cells) if line.lstrip().startswith("|") else line.strip()
    return told if len(told) <= LONGEST_LINE else f"{told[:LONGEST_LINE].rstrip()}…"


def _size(text: str, escapes: int = 0) -> int:
    """Return the bytes of `text` on a page; with `escapes` it is HTML already."""
    return len((text if escapes else escape(text)).encode("utf-8", "replace"))
