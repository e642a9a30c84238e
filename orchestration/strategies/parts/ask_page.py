"""What Ask shows beside its form: the team's newest runs in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from orchestration.runs.kinds import get_page
from orchestration.runs.models import Run

MARKUP = "#>*_`| "


class RecentRun(NamedTuple):
    """A run, how its method is called, and the beginning of its answer."""

    run: Run
    method: str
    answer: str


def recent_lines(runs: Iterable[tuple[Run, str]]) -> list[RecentRun]:
    """Return a line for each run that `recent_runs` gave."""
    return [RecentRun(run, get_page(run.kind).method(run.ref), first_line(answer)) for run, answer in runs]


def first_line(answer: str) -> str:
    """Return the first line of an answer that says something, without the markup around it."""
    lines = (line.strip(MARKUP) for line in answer.splitlines())
    return next(filter(None, lines), "")
