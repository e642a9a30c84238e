"""Runs side by side: their facts, their answers, and where the answers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from orchestra_site.web.templatetags.excerpts import excerpt
from orchestration.runs.kinds import KindPage, get_page
from orchestration.runs.models import Run
from orchestration.runs.parts.differences import (
    Piece,
    PieceKind,
    marked_differences,
    share_in_common,
)
from orchestration.runs.selectors.chosen_runs import NO_CALLS, CallTotals, call_totals

FEWEST, MOST = 2, 4
LEAST_IN_COMMON = 0.25
"""Share of the words below which marks would only make a text hard to read."""
SAME, DIFFERENT = "Says the same as the first.", "Has too little in common with the first to mark it."


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRun:
    """A run of a comparison. `question` and `answer` have what differs from those of the first run marked.

    `remark` says what the marks do not. `first` is the query of the comparison with this run in front.
    """

    run: Run
    method: str
    agreement: float | None
    models: Sequence[str]
    seconds: float | None
    totals: CallTotals
    question: Sequence[Piece]
    answer: Sequence[Piece]
    remark: str
    first: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Runs side by side; `question` is what all of them were asked, empty where they differ.

    Where all are of one kind that has more to compare, `template` shows it with `own`.
    """

    runs: Sequence[ComparedRun]
    question: str
    template: str
    own: Mapping[str, Any]


def comparison(runs: Sequence[Run], now: datetime, *, marked: bool) -> Comparison:
    """Put two to four runs side by side; with `marked` answers are compared with that of the first."""
    totals = call_totals([run.pk for run in runs])
    questions = {run.prompt.strip() for run in runs}
    columns = []
    for run in runs:
        pieces, remark = _compared(runs[0].answer, run.answer) if marked else ([], "")
        page, others = get_page(run.kind), [each for each in runs if each is not run]
        columns.append(
            ComparedRun(
                run=run,
                method=page.method(run.ref),
                agreement=page.agreement(run),
                models=[entry["spec"]["name"] for entry in run.panel],
                seconds=run.working_seconds(now),
                totals=totals.get(run.pk, NO_CALLS),
                question=_differences(runs[0].prompt, run.prompt) if len(questions) > 1 else [],
                answer=pieces,
                remark=remark,
                first=urlencode([("run", each.pk) for each in (run, *others)]),
            )
        )
    kinds = {run.kind for run in runs}
    page = get_page(runs[0].kind) if len(kinds) == 1 else KindPage()
    own = page.compared(runs) if page.comparison else {}
    question = runs[0].prompt if len(questions) == 1 else ""
    return Comparison(runs=columns, question=question, template=page.comparison, own=own)


def _compared(base: str, other: str) -> tuple[list[Piece], str]:
    """Return an answer with its differences from the first, and what marks cannot say of it."""
    pieces = _differences(base, other)
    common = share_in_common(pieces)
    if common < LEAST_IN_COMMON:
        return [Piece(excerpt(other), PieceKind.SAME)], DIFFERENT
    return pieces, SAME if common == 1 else ""


def _differences(base: str, other: str) -> list[Piece]:
    """Return what a page shows of a text, marked."""
    return marked_differences(excerpt(base), excerpt(other))
