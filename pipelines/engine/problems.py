"""What is wrong with a definition, and where: the words that reading and validation share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from orchestra_site.web.patterns import Pattern

MOST_PROBLEMS = 200
"""Problems that are listed of one definition."""
MOST_LISTED, LONGEST_SHOWN = 8, 60
NAME = Pattern(r"[a-z][a-z0-9_-]{0,39}")
_PLAIN_KEY = Pattern(r"[A-Za-z_][A-Za-z0-9_-]*")

Keys = tuple[str | int, ...]
"""The keys and indexes that lead to a value of a document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong at one place of a definition, in a sentence.

    `path` is as in `stages.classify.input.from`; a stage whose name cannot be used is `stages[3]`. `field` is
    the path within the `stage`, or that within the pipeline where there is none.
    """

    path: str
    message: str
    stage: str = ""
    field: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldFault:
    """What is wrong at a field of a stage (by its number) or of the pipeline; `below` ends the path."""

    at: Keys
    message: str
    stage: int | None = None
    below: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StagePlace:
    """Where a stage stands: `at` leads to it, by name where that is unique; `stage` is its name."""

    at: Keys
    stage: str = ""

    def problem(self, message: str, *field: str | int, below: str = "") -> Problem:
        """Return a problem of the stage at one of its fields, or `below` that."""
        rest = f".{below}" if below and not below.startswith("[") else below
        path = path_text((*self.at, *field)) + rest
        return Problem(path=path, message=message, stage=self.stage, field=path_text(field) + rest)


def stage_places(names: Iterable[object]) -> tuple[StagePlace, ...]:
    """Return where each stage stands, by what is written as its name; of equal names the first has it."""
    seen: set[str] = set()
    found: list[StagePlace] = []
    for number, name in enumerate(names):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            found.append(StagePlace(at=("stages", number)))
        elif name in seen:
            found.append(StagePlace(at=("stages", number), stage=name))
        else:
            seen.add(name)
            found.append(StagePlace(at=("stages", name), stage=name))
    return tuple(found)


def problem_at(message: str, *place: str | int) -> Problem:
    """Return a problem of a pipeline outside its stages."""
    path = path_text(place)
    return Problem(path=path, message=message, field=path)


def path_text(place: Iterable[str | int]) -> str:
    """Return a place in writing, as in `stages.draft.needs[0]`; keys with other characters are quoted."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        plain = len(part) <= LONGEST_SHOWN and _PLAIN_KEY.fullmatch(part) is not None
        name = part if plain else json.dumps(part[:LONGEST_SHOWN], ensure_ascii=False)
        path += f".{name}" if path else name
    return path


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Return the sentence that there is no `what` of a name, with the nearest that there is, or with all."""
    sentence = f"There is no {what} “{name[:LONGEST_SHOWN]}”"
    near = [each for each in known if abs(len(each) - len(name)) <= 3]  # noqa: PLR2004  # letters
    if close := get_close_matches(name, near, n=1):
        return f"{sentence}. Is “{close[0]}” meant?"
    return f"{sentence}{f'. There are: {listed(known)}' if known else ''}."


def listed(names: Collection[str]) -> str:
    """Return names in one line, the first few of many."""
    shown = ", ".join(list(names)[:MOST_LISTED])
    return shown if len(names) <= MOST_LISTED else f"{shown} and {len(names) - MOST_LISTED} more"
