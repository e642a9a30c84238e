"""Texts of people and models in files of Markdown, which none of them can leave. Load it as `markdown_files`.

A text stands in a quotation, so that its headings, lists and rules are its own. Its blocks of code are fenced
anew, with more marks than it has anywhere, and closed. Outside of them there is no `<` with which HTML could
begin, and no name of a link is defined for the rest of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from django import template
from django.utils.safestring import SafeString, mark_safe

from orchestra_site.web.alphabets import encodable
from orchestra_site.web.patterns import Pattern

register = template.Library()

MARKS = str.maketrans({mark: f"\\{mark}" for mark in r"\`*_{}[]<>#|~&!$"})
_FENCE = Pattern(r"\s*(`{3,}|~{3,})(.*)")
_RUN = Pattern(r"`+")
_LANGUAGE = Pattern(r"[A-Za-z0-9+#.-]{1,30}")


@register.filter
def inline(text: object) -> SafeString:
    """Return a text as a part of a line, without any markup."""
    return mark_safe(" ".join(encodable(str(text)).split()).translate(MARKS))  # noqa: S308  # no HTML: a file of text


@register.filter
def quoted(text: str) -> SafeString:
    """Return a text as a quotation; an empty one as nothing."""
    return mark_safe("\n".join(f"> {line}".rstrip() for line in _closed(encodable(text))))  # noqa: S308  # as above


def _closed(text: str) -> Iterator[str]:
    """Yield the lines of a text with its blocks of code fenced anew and closed."""
    fence = "`" * max([3, *(len(run[0]) + 1 for run in _RUN.finditer(text))])
    opened = ""
    for line in text.splitlines():
        found = _FENCE.fullmatch(line)
        if not opened and found is not None:
            opened, language = found[1], _LANGUAGE.fullmatch(found[2].strip())
            yield f"{fence}{language[0] if language else ''}"
        elif opened and found is not None and found[1].startswith(opened) and not found[2].strip():
            opened = ""
            yield fence
        else:
            yield line if opened else line.replace("<", "&lt;").replace("]:", "]\\:")
    if opened:
        yield fence
