"""A call's text as one viewer has it: frames extend it, the call's row fills what was missed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a shown text: appended to it, or put in its place when `whole`."""

    text: str
    whole: bool = False


class LaneText:
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

    def take(self, offset: int, text: str) -> Patch | None:
        """Take a frame in; return what changes on the screen, None when nothing does (yet)."""
        if offset > len(self.known):
            self._keep(offset, text)
            return None
        if self.known.startswith(text, offset):
            return None  # an older frame that a row already brought
        return self._become(self.known[:offset] + text)

    def fill(self, row: str) -> Patch | None:
        """Take in the row's text and whatever it makes contiguous."""
        text = self.known if self.known.startswith(row) else row
        if self._ahead and self._ahead_at <= len(text):
            joined = text[: self._ahead_at] + self._ahead
            text = joined if len(joined) > len(text) else text
            self._ahead = ""
        return self._become(text)

    def _keep(self, offset: int, text: str) -> None:
        """Put a frame that came too early beside those already kept."""
        if self._ahead and self._ahead_at <= offset <= self._ahead_at + len(self._ahead):
            self._ahead = self._ahead[: offset - self._ahead_at] + text
        else:
            self._ahead, self._ahead_at = text, offset

    def _become(self, text: str) -> Patch | None:
        """Make `text` what is known and return the change."""
        before, self.known = self.known, text
        if text == before:
            return None
        if text.startswith(before):
            return Patch(text[len(before) :])
        return Patch(text, whole=True)
