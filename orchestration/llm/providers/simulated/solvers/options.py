"""Reading a multiple-choice question: the options, and what stands before them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.llm.providers.simulated.material import items

_MARK = re.compile(r"(?:(?<=\s)|^)(?:\(([A-Ha-h1-8])\)|([A-Ha-h1-8])[).:])\s+(?=\S)")
_NAMED = re.compile(
    r"\b(?:options?|choices|answers|candidates|(?:choose|pick|select) (?:from|between|among|one of|one))"
    r"(?: are)?(?: the following)?\s*:?\s*(?P<offer>[^.?\n:]+(?:[.?]\s*$|\n|[.?]\s|$))",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"\s*(?:options?|choices|answers?|possible answers|choose(?: one)?|pick one)\s*:?\s*$", re.IGNORECASE
)
_LONGEST_OPTION = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """One option: what it is called (a letter, or its own text) and what it says."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """The question without its options, and the options."""

    stem: str
    choices: tuple[Choice, ...]


def read_choices(text: str) -> MultipleChoice | None:
    """Find lettered options ("A) red B) blue"), or a list behind "Options:"; None when there are none."""
    return _lettered(text) or _listed(text)


def _lettered(text: str) -> MultipleChoice | None:
    marks = _series(list(_MARK.finditer(text)))
    if not marks[1:]:
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    choices = tuple(
        Choice(mark[1] or mark[2], _option(text[mark.end() : end]))
        for mark, end in zip(marks, ends, strict=True)
    )
    after = text[marks[-1].end() :].partition("\n\n")[2] or text[marks[-1].end() :].partition("\n")[2]
    stem = _TAIL.sub("", text[: marks[0].start()].strip()) + ("\n" + after.strip() if after.strip() else "")
    return MultipleChoice(stem.strip(), choices)


def _series(marks: list[re.Match[str]]) -> list[re.Match[str]]:
    """Keep the marks that go on from A, a or 1 without a gap; letters go before numbered facts."""
    runs = [_run(marks, first) for first in ("A", "a", "1")]
    return next((run for run in runs if len(run) > 1), [])


def _run(marks: list[re.Match[str]], first: str) -> list[re.Match[str]]:
    kept: list[re.Match[str]] = []
    for mark in marks:
        if (mark[1] or mark[2]) == chr(ord(first) + len(kept)):
            kept.append(mark)
    return kept


def _option(text: str) -> str:
    return text.strip().splitlines()[0].strip(" .,;|") if text.strip() else ""


def _listed(text: str) -> MultipleChoice | None:
    found = _NAMED.search(text)
    if not found:
        return None
    offer = items(found["offer"])
    if not offer[1:] or any(len(option.split()) > _LONGEST_OPTION for option in offer):
        return None
    stem = text[: found.start()].strip() + " " + text[found.end() :].strip()
    return MultipleChoice(stem.strip(), tuple(Choice(option, option) for option in offer))
