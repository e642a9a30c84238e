"""The streaming texts of one viewer: which calls are on the screen, and how far each has been sent."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestra_site.web.templatetags.excerpts import SHOWN_BYTES, SURELY_SHOWN, excerpt

MOST_CALLS = 256
SHOW_ALL = "\N{HORIZONTAL ELLIPSIS} show all as text"
"""The words of the link to the whole text, where only a part of it is shown."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a shown text: appended to it, or put in its place when `whole`.

    `is_last` when the page shows no more of the text than this.
    """

    text: str
    whole: bool = False
    is_last: bool = False


class StreamedText:
    """Joins frames (offset, text) and the text of the call's row, which lags behind them by up to a second.

    `known` is certain from the first character on; what came beyond a gap is kept until the gap closes.
    It holds what a page shows of the text; once `is_full`, only another answer changes it.
    """

    def __init__(self, known: str = "") -> None:
        self.known = known
        self.is_full = False
        self._ahead = ""
        self._ahead_at = 0

    @property
    def gapped(self) -> bool:
        """True while frames beyond a gap wait for the row to catch up."""
        return bool(self._ahead)

    def extend(self, offset: int, text: str) -> Patch | None:
        """Add a frame and return what changes on the screen, None when nothing does (yet)."""
        if offset > len(self.known):
            if self.is_full or offset >= SHOWN_BYTES:
                return None
            if self._ahead and self._ahead_at <= offset <= self._ahead_at + len(self._ahead):
                self._ahead = self._ahead[: offset - self._ahead_at] + text
            else:
                self._ahead, self._ahead_at = text, offset
            return None
        if self.known.startswith(text, offset) or (self.is_full and offset == len(self.known)):
            return None  # an older frame that a row already brought, or more than is shown
        return self._replace(self.known[:offset] + text)

    def fill(self, row: str) -> Patch | None:
        """Add the row's text and whatever it makes contiguous; return what changes on the screen."""
        text = self.known if self.known.startswith(excerpt(row)) and len(row) <= SHOWN_BYTES else row
        if self._ahead and self._ahead_at <= len(text):
            joined = text[: self._ahead_at] + self._ahead
            text = joined if len(joined) > len(text) else text
            self._ahead = ""
        return self._replace(text)

    def _replace(self, text: str) -> Patch | None:
        """Replace what is known by `text` and return the change."""
        before, self.known = self.known, text if len(text) <= SURELY_SHOWN else excerpt(text)
        was_full = self.is_full and self.known == before
        self.is_full = was_full or len(self.known) < len(text)
        if self.is_full:
            self._ahead = ""
        if self.known == before and self.is_full == was_full:
            return None
        if self.known.startswith(before):
            return Patch(self.known[len(before) :], is_last=self.is_full)
        return self.whole()

    def whole(self) -> Patch:
        """Return the patch that puts all that is shown in place."""
        return Patch(self.known, whole=True, is_last=self.is_full)


class Streams:
    """Keeps every running call's text of a run in step with what the viewer's page shows.

    What is to be sent is returned as pieces of HTML, each small enough for a message.
    """

    def __init__(self, run: UUID) -> None:
        self._run = run
        self._texts: dict[str, StreamedText] = {}
        self._shown: frozenset[str] = frozenset()

    @property
    def gaps(self) -> list[str]:
        """Calls on the screen whose row must be read again."""
        return [call for call in self._shown if self._texts[call].gapped]

    def extend(self, call: str, offset: int, text: str) -> SafeString:
        """Add a text frame; return the HTML to send, empty when there is nothing to show."""
        if call not in self._texts and len(self._texts) >= MOST_CALLS:
            return SafeString()
        patch = self._texts.setdefault(call, StreamedText()).extend(offset, text)
        return _html(self._run, call, patch) if call in self._shown else SafeString()

    def draw(self, running: Mapping[str, str], drawn: AbstractSet[str]) -> list[SafeString]:
        """Follow an update: `running` are all running calls with their rows' text, `drawn` those rendered.

        A viewer often knows more of a text than the row that was rendered; that rest is sent along.
        """
        self._texts = {call: self._texts.get(call) or StreamedText() for call in running}
        self._shown = (self._shown | drawn) & running.keys()
        return [_html(self._run, call, self._redraw(call, row, drawn)) for call, row in running.items()]

    def start(self, rows: Mapping[str, str]) -> list[SafeString]:
        """Start from a page that a view rendered: return the whole texts of its running calls as HTML."""
        pieces = []
        for call in rows.keys() - self._shown:
            text = self._texts.setdefault(call, StreamedText())
            text.fill(rows[call])
            pieces.append(_html(self._run, call, text.whole()))
        self._shown |= rows.keys()
        return pieces

    def fill(self, rows: Mapping[str, str]) -> list[SafeString]:
        """Add rows that were read to close gaps; return the HTML to send."""
        shown = [(call, row) for call, row in rows.items() if call in self._shown]
        return [_html(self._run, call, self._texts[call].fill(row)) for call, row in shown]

    def _redraw(self, call: str, row: str, drawn: AbstractSet[str]) -> Patch | None:
        """Return what the page lacks of a call's text after a batch."""
        text = self._texts[call]
        patch = text.fill(row)
        if call in drawn:
            return text.whole() if text.known != excerpt(row) else None
        return patch if call in self._shown else None


@lru_cache(maxsize=1024)  # every viewer of a run is sent the same
def _html(run: UUID, call: str, patch: Patch | None) -> SafeString:
    """Return a patch as an out-of-band swap of the call's text element."""
    if patch is None:
        return SafeString()
    swap = "innerHTML" if patch.whole else "beforeend"
    rest = SafeString()
    if patch.is_last:
        address = reverse("runs:run-call-text", args=[run, call])
        rest = format_html(' <a class="rest" href="{}">{}</a>', address, SHOW_ALL)
    return format_html('<div id="text-{}" hx-swap-oob="{}">{}{}</div>', call, swap, patch.text, rest)
