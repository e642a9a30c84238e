"""Text that every database and browser can hold."""

from __future__ import annotations

HIGH_SURROGATES = ("\ud800", "\udbff")


class Tidier:
    """Joins characters that a server cut in half between two events, and replaces what is none at all."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return `text` without NUL and lone surrogates; half a character is kept for the next call."""
        if text.isascii() and not self._half:
            return text.replace("\0", "\ufffd")
        whole = self._half + text
        first, last = HIGH_SURROGATES
        self._half = whole[-1] if whole and first <= whole[-1] <= last else ""
        kept = whole[: len(whole) - len(self._half)]
        return (
            kept.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
        )
