"""The final answer that a text states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache

from orchestration.engine.consensus.answers import Extracted
from orchestration.engine.consensus.cues import (
    answer_line,
    assertion,
    boxed,
    closing,
    hashes,
    json_field,
    option,
    sentence,
    whole,
)
from orchestration.engine.consensus.questions import OPEN, Asked, read_question
from orchestration.engine.consensus.reading import read_answer


class Cue(StrEnum):
    """What marked a final answer, the most explicit first."""

    JSON_FIELD = "json field"
    BOXED = "boxed"
    HASHES = "number signs"
    ANSWER_LINE = "answer line"
    SENTENCE = "sentence"


MOST_CHARACTERS = 50_000
"""A final answer stands near the end; what is far before it is not looked at."""

REMEMBERED = 256
"""Answers whose reading is kept: a run reads each several times, for candidate, score and ballot."""

_END_OF_SENTENCE = re.compile(r"\n|[.!?]\s")


def extract_answer(text: str, *, question: str | None = None, cut_off: bool = False) -> Extracted | None:
    """Return the final answer, None when it is not clear what it is: the writer abstains.

    `question` tells options from quantities from what code gives. What a text ends in is no answer when it
    was `cut_off`: it has to be stated, in a sentence that was finished.
    """
    return _extracted(text[-MOST_CHARACTERS:], question, cut_off)


@lru_cache(maxsize=REMEMBERED)
def _extracted(text: str, question: str | None, cut_off: bool) -> Extracted | None:  # noqa: FBT001  # a key of the cache
    asked = read_question(question) if question else OPEN
    if cut_off:
        return _stated(_finished(text), asked)
    if asked.choices:
        return _stated(text, asked) or _last(option.named(text), asked) or _last(closing.read(text), asked)
    said = _stated(text, asked)
    if said is not None:
        return said
    last_resorts = (assertion.read, whole.read) if asked.code else (closing.read,)
    return next((found for read in last_resorts if (found := _last(read(text), asked))), None)


def stated_answers(text: str, asked: Asked = OPEN) -> Mapping[Cue, Extracted]:
    """Return what each kind of cue says the final answer is: its last one, where it comes several times."""
    text = text[-MOST_CHARACTERS:]
    found = {cue: _last(read(text), asked) for cue, read in _READERS.items()}
    return {cue: answer for cue, answer in found.items() if answer is not None}


def _stated(text: str, asked: Asked) -> Extracted | None:
    """Return the answer that is marked most explicitly."""
    said = _last(option.stated(text), asked) if asked.choices else None
    if said is not None:
        return said
    stated = stated_answers(text, asked)
    return next((stated[cue] for cue in Cue if cue in stated), None)


def _finished(text: str) -> str:
    """Return the text without the sentence that it breaks off in."""
    ends = [match.end() for match in _END_OF_SENTENCE.finditer(text)]
    return text[: ends[-1]] if ends else ""


def _last(marked: Iterator[str], asked: Asked) -> Extracted | None:
    """Return the last one that can be read."""
    readable = [answer for value in marked if (answer := read_answer(value, asked)) is not None]
    return readable[-1] if readable else None


_READERS: Mapping[Cue, Callable[[str], Iterator[str]]] = {
    Cue.JSON_FIELD: json_field.read,
    Cue.BOXED: boxed.read,
    Cue.HASHES: hashes.read,
    Cue.ANSWER_LINE: answer_line.read,
    Cue.SENTENCE: sentence.read,
}
