"""Messages of a socket: pieces of HTML joined, none larger than a server sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.html import format_html
from django.utils.safestring import SafeString

LARGEST_FRAME = 1024 * 1024
"""Bytes: what Daphne sends at most, and other servers and clients take by default."""
LARGEST_PIECE = 900_000
"""Bytes of one piece of HTML: well below what fits, for the element that it stands in."""
LARGEST_MESSAGE = 256_000
"""Bytes up to which pieces are sent together: pages swap smaller messages without a noticeable pause."""


def messages(pieces: Iterable[str], most: int = LARGEST_MESSAGE) -> Iterator[str]:
    """Join pieces, in order, to messages of at most `most` bytes; a larger piece goes alone."""
    kept: list[str] = []
    size = 0
    for piece in pieces:
        more = len(piece.encode())
        if kept and size + more > most:
            yield "".join(kept)
            kept, size = [], 0
        if piece:
            kept.append(piece)
            size += more
    if kept:
        yield "".join(kept)


def fitting(html: str) -> str:
    """Return the HTML of an element that is swapped by its id; where it is too large, a stand-in.

    The stand-in says that the page has to be loaded for it.
    """
    if len(html) * 4 <= LARGEST_PIECE or len(html.encode()) <= LARGEST_PIECE:
        return html
    name, element = _identity(html)
    return str(_stand_in(name, element)) if name else ""


def _identity(html: str) -> tuple[str, str]:
    """Return the id and the name of the outermost element, read from our own template's first tag."""
    tag = html[html.index("<") : html.index(">")]
    element = tag[1:].split(maxsplit=1)[0]
    _, _, rest = tag.partition(' id="')
    return rest.partition('"')[0], element


def _stand_in(name: str, element: str) -> SafeString:
    return format_html(
        '<{0} id="{1}" hx-swap-oob="true"><p class="notice">This part is too large to be sent while the run'
        ' is under way. <a href="">Load the page</a> to see it.</p></{0}>',
        element,
        name,
    )
