"""Runs as a file: CSV that a spreadsheet opens without executing any of it, and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from orchestra_site.web.alphabets import encodable
from orchestra_site.web.patterns import Pattern
from orchestration.runs.kinds import get_page
from orchestration.runs.models import Run
from orchestration.runs.selectors.chosen_runs import NO_CALLS, CallTotals, call_totals

EXPORTED_RUNS = 100_000
BYTE_ORDER_MARK = "\ufeff"
"""Tells a spreadsheet that a file is UTF-8."""
CUT_SHORT = (
    "This file ends here: it has the newest {:,} runs of the filter. Narrow the days to export older ones."
)
NEXT = ",\n"
_FORMULA = Pattern(r"\s*[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]|[\t\r\n]")
_NUMBER = Pattern(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedRun:
    """A run as a row of a file: times are ISO 8601 in UTC, durations seconds, costs US dollars.

    `quality` is a share of 1, `rating` the sum of the members' ratings, `unpriced_calls` those without a
    known price. `single_model` is the best one of the panel by itself, observed or predicted, and
    `added_quality` that of the run above it.
    """

    run: str
    asked_at: str
    asked_by: str
    state: str
    method: str
    models: str
    question: str
    answer: str
    reason: str
    quality: float | None
    cost_usd: Decimal
    unpriced_calls: int
    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float | None
    rating: int
    single_model: str
    single_model_is: str
    single_model_quality: float | None
    single_model_usd: float | None
    added_quality: float | None


COLUMNS = tuple(field.name for field in fields(ExportedRun))


def exported_runs(runs: Sequence[Run], now: datetime) -> list[ExportedRun]:
    """Return runs with the annotations `votes` and `single` as rows."""
    totals = call_totals([run.pk for run in runs])
    return [_row(run, totals.get(run.pk, NO_CALLS), now) for run in runs]


def _row(run: Any, totals: CallTotals, now: datetime) -> ExportedRun:  # noqa: ANN401  # a run with an annotation
    seconds, page = run.working_seconds(now), get_page(run.kind)
    single = page.beside_one_model(run, run.single, now) or {}
    return ExportedRun(
        run=str(run.pk),
        asked_at=run.created_at.isoformat(),
        asked_by=str(run.created_by or ""),
        state=run.look,
        method=page.method(run.ref),
        models=", ".join(entry["spec"]["name"] for entry in run.panel),
        question=encodable(run.prompt),
        answer=encodable(run.answer),
        reason=encodable(run.error),
        quality=run.quality,
        cost_usd=run.cost_usd,
        unpriced_calls=totals.unpriced,
        calls=run.calls_started,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        seconds=None if seconds is None else round(seconds, 3),
        rating=run.votes,
        single_model=single.get("model", ""),
        single_model_is=single.get("basis", ""),
        single_model_quality=single.get("quality"),
        single_model_usd=single.get("cost_usd"),
        added_quality=single.get("gain"),
    )


def csv_chunks(batches: Iterable[Sequence[Run]], now: datetime, most: int = EXPORTED_RUNS) -> Iterator[bytes]:
    """Yield a CSV file with a line of names; one that is cut short says so in its last line."""
    yield csv_lines([COLUMNS], BYTE_ORDER_MARK)
    for rows, is_cut in _limited(batches, now, most):
        yield csv_lines([asdict(row).values() for row in rows])
        if is_cut:
            yield csv_lines([[CUT_SHORT.format(most)]])


def json_chunks(
    batches: Iterable[Sequence[Run]], now: datetime, most: int = EXPORTED_RUNS
) -> Iterator[bytes]:
    """Yield a JSON object whose array `runs` has a run a line; `complete` is false where it is cut short."""
    yield b'{"runs": ['
    separator, complete = "\n", True
    for rows, is_cut in _limited(batches, now, most):
        lines = [json.dumps(asdict(row), cls=DjangoJSONEncoder, ensure_ascii=False) for row in rows]
        yield "".join(
            f"{separator if not place else NEXT}{line}" for place, line in enumerate(lines)
        ).encode()
        separator, complete = NEXT if rows else separator, not is_cut
    yield f'\n], "complete": {json.dumps(complete)}}}\n'.encode()


def _limited(
    batches: Iterable[Sequence[Run]], now: datetime, most: int
) -> Iterator[tuple[list[ExportedRun], bool]]:
    """Yield the rows of batches, and with the last ones whether there are more than `most`."""
    for batch in batches:
        yield exported_runs(batch[:most], now), len(batch) > most
        if len(batch) > most:
            return
        most -= len(batch)


def csv_cell(value: object) -> object:
    """Return a value as a cell that no spreadsheet takes for a formula.

    An apostrophe stands before a text that it would take for one; numbers stay numbers.
    """
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if not isinstance(value, str) or not _FORMULA.match(value) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def csv_lines(rows: Iterable[Iterable[object]], head: str = "") -> bytes:
    """Return rows as lines of a CSV file, after `head`; no cell is taken for a formula."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows(map(csv_cell, row) for row in rows)
    return f"{head}{lines.getvalue()}".encode()
