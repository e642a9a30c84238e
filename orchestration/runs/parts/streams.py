"""The streaming texts of one viewer: which calls are on the screen, and how far each has been sent."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

MOST_CALLS = 256


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a shown text: appended to it, or put in its place when `whole`."""

    text: str
    whole: bool = False


class StreamedText:
    """Joins frames (offset, text) and the text of the call's row, which lags behind them by up to a second.

    `known` is certain from the first character on; what came beyond a gap is kept until the gap closes.
    """

    def __init__(self, known: str = "") -> None:
        self.known = known
        self._ahead = ""
        self._ahead_at = 0

    @property
    def gapped(self) -> bool:
        """True while frames beyond a gap wait for the row to catch up."""
        return bool(self._ahead)

    def extend(self, offset: int, text: str) -> Patch | None:
        """Add a frame and return what changes on the screen, None when nothing does (yet)."""
        if offset > len(self.known):
            if self._ahead and self._ahead_at <= offset <= self._ahead_at + len(self._ahead):
                self._ahead = self._ahead[: offset - self._ahead_at] + text
            else:
                self._ahead, self._ahead_at = text, offset
            return None
        if self.known.startswith(text, offset):
            return None  # an older frame that a row already brought
        return self._replace(self.known[:offset] + text)

    def fill(self, row: str) -> Patch | None:
        """Add the row's text and whatever it makes contiguous; return what changes on the screen."""
        text = self.known if self.known.startswith(row) else row
        if self._ahead and self._ahead_at <= len(text):
            joined = text[: self._ahead_at] + self._ahead
            text = joined if len(joined) > len(text) else text
            self._ahead = ""
        return self._replace(text)

    def _replace(self, text: str) -> Patch | None:
        """Replace what is known by `text` and return the change."""
        before, self.known = self.known, text
        if text == before:
            return None
        if text.startswith(before):
            return Patch(text[len(before) :])
        return Patch(text, whole=True)


class Streams:
    """Keeps every running call's text in step with what the viewer's page shows."""

    def __init__(self) -> None:
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
        return _html(call, patch) if patch and call in self._shown else SafeString()

    def draw(self, running: Mapping[str, str], drawn: AbstractSet[str]) -> SafeString:
        """Follow an update: `running` are all running calls with their rows' text, `drawn` those rendered.

        A viewer often knows more of a text than the row that was rendered; that rest is sent along.
        """
        self._texts = {call: self._texts.get(call) or StreamedText() for call in running}
        self._shown = (self._shown | drawn) & running.keys()
        pieces = [_html(call, self._redraw(call, row, drawn)) for call, row in running.items()]
        return SafeString("".join(pieces))

    def start(self, rows: Mapping[str, str]) -> SafeString:
        """Start from a page that a view rendered: return the whole texts of its running calls as HTML."""
        pieces = []
        for call in rows.keys() - self._shown:
            text = self._texts.setdefault(call, StreamedText())
            text.fill(rows[call])
            pieces.append(_html(call, Patch(text.known, whole=True)))
        self._shown |= rows.keys()
        return SafeString("".join(pieces))

    def fill(self, rows: Mapping[str, str]) -> SafeString:
        """Add rows that were read to close gaps; return the HTML to send."""
        shown = [(call, row) for call, row in rows.items() if call in self._shown]
        return SafeString("".join(_html(call, self._texts[call].fill(row)) for call, row in shown))

    def _redraw(self, call: str, row: str, drawn: AbstractSet[str]) -> Patch | None:
        """Return what the page lacks of a call's text after a batch."""
        text = self._texts[call]
        patch = text.fill(row)
        if call in drawn:
            return Patch(text.known, whole=True) if text.known != row else None
        return patch if call in self._shown else None


@lru_cache(maxsize=1024)  # every viewer of a run is sent the same
def _html(call: str, patch: Patch | None) -> SafeString:
    """Return a patch as an out-of-band swap of the call's text element."""
    if patch is None:
        return SafeString()
    swap = "innerHTML" if patch.whole else "beforeend"
    return format_html('<div id="text-{}" hx-swap-oob="{}">{}</div>', call, swap, patch.text)
