"""What the lines of the list of runs say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from orchestra_site.web.templatetags.excerpts import first_line
from orchestration.runs.kinds import get_page
from orchestration.runs.models import Run
from orchestration.runs.selectors.runs import EXCERPT_CHARACTERS
from orchestration.runs.selectors.search import CUT, Finder, Fragment, search_words

SURELY_SHOWN = 80
"""Characters of a text that two lines of any window hold."""
TEXTS = (("answer", "Answer"), ("prompt", "Question"), ("error", "Reason"))
"""Where the words of a search are looked for, with the name that a line gives it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """A line of the list: the question, and what came of it or where the words of a search stand.

    `place` names the text that `told` is a part of where it was searched for; `is_further` says that words
    stand so far down that they are not shown.
    """

    run: Run
    method: str
    seconds: float | None
    question: Sequence[Fragment]
    told: Sequence[Fragment]
    place: str = ""
    is_further: bool = False


def run_lines(runs: Iterable[Run], text: str, now: datetime) -> list[RunLine]:
    """Return the lines of runs that `with_line_columns` loaded; `text` is what was searched for."""
    finder = Finder(search_words(text))
    return [_line(run, finder, now) for run in runs]


def _line(run: Any, finder: Finder, now: datetime) -> RunLine:  # noqa: ANN401  # a run with annotations
    question = f"{run.excerpt}{CUT if len(run.excerpt) == EXCERPT_CHARACTERS else ''}"
    came_of_it = run.error_excerpt or first_line(run.answer_excerpt)
    place, told = "", finder.marked(came_of_it)
    missing = finder.missing_in(f"{question[:SURELY_SHOWN]}\n{came_of_it[:SURELY_SHOWN]}")
    if missing:
        place, found = _found(run, finder, missing)
        told = found or told
    return RunLine(
        run=run,
        method=get_page(run.kind).method(run.ref),
        seconds=run.working_seconds(now),
        question=finder.marked(question),
        told=told,
        place=place,
        is_further=bool(missing) and not place,
    )


def _found(run: Run, finder: Finder, missing: set[str]) -> tuple[str, list[Fragment]]:
    """Return the part of a text that has most of the `missing` words, and the name of the text."""
    found = [
        (name, finder.snippet(text, missing), len(missing - finder.missing_in(text)))
        for column, name in TEXTS
        if (text := getattr(run, f"found_{column}"))
    ]
    name, snippet, words = max(found, key=itemgetter(2), default=("", [], 0))
    return (name, snippet) if words else ("", [])
