"""Runs side by side: their facts, their answers, and where the answers differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from orchestra_site.web.templatetags.excerpts import excerpt
from orchestration.runs.kinds import ComparedDetails, get_page
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
class Parting:
    """Up to where a run, by its number here, is the same as the first, and what each says `next`."""

    number: int
    same: int
    seconds: float
    note: str
    next: Sequence[tuple[str, str, float] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedLine:
    """What each run says of one thing; empty where it has none."""

    name: str
    cells: Sequence[str]
    differs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Runs side by side; `question` is what all of them were asked, empty where they differ.

    Where their kinds have more to compare, `partings` say up to where each is the same as the first, and
    `tables` have a line for everything that one of them has.
    """

    runs: Sequence[ComparedRun]
    question: str
    partings: Sequence[Parting]
    tables: Sequence[tuple[str, Sequence[ComparedLine]]]


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
    details = [each for run in runs if (each := get_page(run.kind).compared(run)) is not None]
    details = details if len(details) == len(runs) else []
    return Comparison(
        runs=columns,
        question=runs[0].prompt if len(questions) == 1 else "",
        partings=[_parting(details[0], each, number) for number, each in enumerate(details[1:], start=2)],
        tables=[
            (title, list(_lines([each.tables.get(title, ()) for each in details])))
            for title in dict.fromkeys(name for each in details for name in each.tables)
        ],
    )


def _parting(first: ComparedDetails, other: ComparedDetails, number: int) -> Parting:
    """Return up to where two runs are the same, and what each says next."""
    pairs = zip(first.story, other.story, strict=False)
    shorter = min(len(first.story), len(other.story))
    same = next((place for place, (one, two) in enumerate(pairs) if one[:2] != two[:2]), shorter)
    return Parting(
        number=number,
        same=same,
        seconds=first.story[same - 1][2] if same else 0.0,
        note=other.note,
        next=[each.story[same] if same < len(each.story) else None for each in (first, other)],
    )


def _lines(columns: Sequence[Sequence[tuple[str, str]]]) -> Iterator[ComparedLine]:
    """Yield a line for each name, its first, second and further occurrences one by one."""
    found: list[dict[tuple[str, int], str]] = []
    for column in columns:
        seen: Counter[str] = Counter()
        found.append({})
        for name, words in column:
            seen[name] += 1
            found[-1][name, seen[name]] = words
    for key in dict.fromkeys(key for column in found for key in column):
        cells = [column.get(key, "") for column in found]
        yield ComparedLine(name=key[0], cells=cells, differs=len(set(cells)) > 1)


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
