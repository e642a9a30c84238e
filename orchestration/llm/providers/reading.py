"""Reading what a provider sends without trusting it: server-sent events, JSON, text, times to wait.

Server-sent events follow WHATWG HTML, section 9.2, however their bytes were cut into chunks; stricter than
a browser in one thing: bytes that are not UTF-8 are an error, not a replacement character.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime

from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.engine.types import Json

EVENT_LIMIT = 4 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
LINE_ENDS = (b"\r", b"\n")
LARGEST_COUNT = 2_000_000_000
LONGEST_WAIT_S = 86_400.0
HIDDEN_KEY = "[key]"
HIGH_SURROGATES = ("\ud800", "\udbff")


class SSEParser:
    """Collects chunks and returns the data of the events that they complete.

    An event without its blank line is dropped; its type and id are of no use here.

    Raises `BadAnswer` for invalid UTF-8 and for an event larger than `limit` bytes.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._after_cr = False
        self._first_line = True
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that `chunk` completes."""
        events: list[str] = []
        for line in self._lines(chunk):
            events.extend(self._take(line))
        self._check_size(len(self._buffer))
        return events

    @property
    def unended_lines(self) -> int:
        """How many lines of data wait for the blank line that ends their event."""
        return len(self._data)

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` ends; its first LF belongs to a CR that closed the chunk before."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._buffer += chunk
        if not any(end in chunk for end in LINE_ENDS):
            return []
        lines = self._buffer.splitlines()
        self._after_cr = chunk.endswith(b"\r")
        self._buffer = bytearray() if chunk.endswith(LINE_ENDS) else lines.pop()
        return list(map(bytes, lines))

    def _take(self, line: bytes) -> list[str]:
        """Apply a whole line: a blank one dispatches, comments and fields other than `data` do nothing."""
        if self._first_line:
            line = line.removeprefix(BOM)
            self._first_line = False
        if not line:
            events = ["\n".join(self._data)] if self._data else []
            self._data, self._size = [], 0
            return events
        self._check_size(len(line))
        try:
            name, _, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError as error:
            raise BadAnswer("The answer contains bytes that are not UTF-8.") from error
        if name == "data":
            self._data.append(value.removeprefix(" "))
            self._size += len(self._data[-1])
        return []

    def _check_size(self, more: int) -> None:
        if self._size + more > self._limit:
            raise BadAnswer(f"One event of the answer is larger than {self._limit // 1024:,} KiB.")


def parse_json(text: str | bytes) -> Json:
    """Return the value. Raises `ValueError` for anything unreadable, nested too deeply or not UTF-8."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def mapping(value: Json) -> Mapping[str, Json]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Json) -> list[Json]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def string(value: Json) -> str:
    """Return `value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def whole_number(value: Json) -> int | None:
    """Return `value` if it is a plausible count (from 0 to two thousand million), else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        return None
    return value


def money(value: Json) -> Decimal | None:
    """Return `value` as an amount if it is a finite number, or a string of one, that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait, from 0 to a day; None when the headers do not say or cannot be read."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    if seconds is not None:
        return _bounded(seconds)
    return _until(value, now)


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().removesuffix("s"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded((moment - now).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


class KeyFilter:
    """Replaces `forms`, the spellings of a key, in a text that arrives in pieces, wherever it was cut."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = sorted(filter(None, set(forms)), key=len, reverse=True)
        self._held = ""

    def feed(self, text: str) -> str:
        """Return `text` without the key; an end that may be its beginning is kept for the next call."""
        whole = self._held + text
        for form in self._forms:
            whole = whole.replace(form, HIDDEN_KEY)
        cut = min((_beginning(form, whole) for form in self._forms), default=len(whole))
        self._held = whole[cut:]
        return whole[:cut]

    def rest(self) -> str:
        """Return what was kept, once nothing follows."""
        rest, self._held = self._held, ""
        return rest


def _beginning(form: str, text: str) -> int:
    """Return where the longest end of `text` starts that `form` begins with; its length if there is none."""
    at = text.find(form[0], max(0, len(text) - len(form) + 1))
    while at >= 0 and not form.startswith(text[at:]):
        at = text.find(form[0], at + 1)
    return at if at >= 0 else len(text)


class TextCleaner:
    """Makes text that every database and browser can store.

    Joins characters that a server cut in half between two events, and replaces those that are invalid.
    """

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
