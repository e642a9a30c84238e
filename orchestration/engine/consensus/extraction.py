"""The final answer that a text states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from orchestration.engine.consensus.json_in_text import json_values
from orchestration.engine.consensus.normalising import normalise
from orchestration.engine.types import Json


class Cue(StrEnum):
    """What marked a final answer, the most explicit first."""

    JSON_FIELD = "json field"
    BOXED = "boxed"
    ANSWER_LINE = "answer line"
    SENTENCE = "sentence"


ANSWER_FIELDS = ("answer", "final_answer", "final answer", "result")
MARKUP = ("{", "[", "```", "\\")
SHORT_TEXT = 60
SHORT_LINE = 160
LONGEST_BOX = 800
MOST_BOXES = 20
MOST_CHARACTERS = 50_000
"""A final answer stands near the end; what is far before it is not looked at."""

_BROKEN_FIELD = re.compile(
    r'"(?:final[_ ])?answer"\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d][\d.,]*|true|false)', re.IGNORECASE
)
_LINE = re.compile(
    r"^[^\w\n]*(?:final[ ]|correct[ ])?answer[*_ ]*[:=][*_\s]*(\S.*)$", re.IGNORECASE | re.MULTILINE
)
_SENTENCE = re.compile(
    r"\bthe\s+(?:final\s+|correct\s+|right\s+)?answer\s+is\s*:?\s*(.+?)(?:[.;!?](?=\s|$)|\n|$)", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?%?(?!\w)")
_CLOSING = re.compile(rf"({_NUMBER.pattern})\W*(?:[^\W\d]+\W*){{0,2}}$")
_FOOTNOTE = re.compile(r"_[^_]+_|\*[^*]+\*|\([^()]*\)")


def extract_answer(text: str) -> str | None:
    """Return the final answer in canonical spelling, None when it is not clear what it is."""
    text = text[-MOST_CHARACTERS:]
    stated = stated_answers(text)
    if stated:
        return next(stated[cue] for cue in Cue if cue in stated)
    if text.lstrip().startswith(MARKUP):
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and _FOOTNOTE.fullmatch(lines[-1]):
        lines.pop()
    if len(lines) == 1 and len(lines[0]) <= SHORT_TEXT and not _NUMBER.search(lines[0]):
        return normalise(lines[0])
    closing = _CLOSING.search(lines[-1]) if lines and len(lines[-1]) <= SHORT_LINE else None
    return normalise(closing.group(1)) if closing else None


def stated_answers(text: str) -> Mapping[Cue, str]:
    """Return what each kind of cue says the final answer is: its last one, where it comes several times."""
    text = text[-MOST_CHARACTERS:]
    found: dict[Cue, str] = {}
    for cue, read in _READERS.items():
        for value in read(text):
            answer = normalise(value)
            if answer is not None:
                found[cue] = answer
    return found


def _json_fields(text: str) -> Iterator[str]:
    for value in json_values(text):
        if isinstance(value, dict):
            fields: dict[str, Json] = {str(key).lower(): held for key, held in value.items()}
            yield from (_as_text(fields[name]) for name in reversed(ANSWER_FIELDS) if name in fields)
            break
    else:
        yield from (match.strip('"') for match in _BROKEN_FIELD.findall(text))


def _as_text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def _boxed(text: str) -> Iterator[str]:
    starts = list(re.finditer(r"\\(?:boxed|fbox)\s*\{", text))
    for start in starts[-MOST_BOXES:]:
        depth = 1
        for position in range(start.end(), min(len(text), start.end() + LONGEST_BOX)):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                yield text[start.end() : position]
                break


def _lines(text: str) -> Iterator[str]:
    for line in _LINE.findall(text):
        yield next(_sentences(line), line)


def _sentences(text: str) -> Iterator[str]:
    yield from _SENTENCE.findall(text)


_READERS: Mapping[Cue, Callable[[str], Iterator[str]]] = {
    Cue.JSON_FIELD: _json_fields,
    Cue.BOXED: _boxed,
    Cue.ANSWER_LINE: _lines,
    Cue.SENTENCE: _sentences,
}
