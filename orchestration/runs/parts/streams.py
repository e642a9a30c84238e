"""The streaming texts of one viewer: which calls are on the screen, and how far each has been sent."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestration.runs.parts.lane_text import LaneText, Patch

MOST_CALLS = 256


class Streams:
    """Keeps every running call's text in step with what the viewer's page shows."""

    def __init__(self) -> None:
        self._texts: dict[str, LaneText] = {}
        self._shown: frozenset[str] = frozenset()

    @property
    def gaps(self) -> list[str]:
        """Calls on the screen whose row must be read again."""
        return [call for call in self._shown if self._texts[call].gapped]

    def frame(self, call: str, offset: int, text: str) -> SafeString:
        """Take in a text frame; return the HTML to send, empty when there is nothing to show."""
        if call not in self._texts and len(self._texts) >= MOST_CALLS:
            return SafeString()
        patch = self._texts.setdefault(call, LaneText()).take(offset, text)
        return _html(call, patch) if patch and call in self._shown else SafeString()

    def draw(self, running: Mapping[str, str], drawn: AbstractSet[str]) -> SafeString:
        """Follow a batch: `running` are all running calls with their rows' text, `drawn` those just rendered.

        A viewer often knows more of a text than the row that was rendered; that rest is sent along.
        """
        self._texts = {call: self._texts.get(call) or LaneText() for call in running}
        self._shown = (self._shown | drawn) & running.keys()
        pieces = [_html(call, self._redraw(call, row, drawn)) for call, row in running.items()]
        return SafeString("".join(pieces))

    def start(self, rows: Mapping[str, str]) -> SafeString:
        """Take over a page that somebody else rendered: send the whole text of its running calls."""
        pieces = []
        for call in rows.keys() - self._shown:
            text = self._texts.setdefault(call, LaneText())
            text.fill(rows[call])
            pieces.append(_html(call, Patch(text.known, whole=True)))
        self._shown |= rows.keys()
        return SafeString("".join(pieces))

    def fill(self, rows: Mapping[str, str]) -> SafeString:
        """Take in rows that were read to close gaps."""
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
