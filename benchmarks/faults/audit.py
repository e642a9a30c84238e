"""What must hold of runs whatever happened to them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from decimal import Decimal

from django.db import connection

from benchmarks.faults import FOLDER
from benchmarks.faults.findings import Finding, exactly, none_of
from benchmarks.faults.provider import API_KEY
from orchestration.runs.models import TERMINAL, Call, CallStatus, Event, Run

ENDS = {f"run_{status.value}" for status in TERMINAL}


def audit(runs: Sequence[Run], printed: str) -> list[Finding]:
    """Look at what the runs left in the database, and for the provider's key in what was written anywhere."""
    events = {run.id: list(run.events.order_by("seq")) for run in runs}
    calls = {run.id: list(run.calls.all()) for run in runs}
    return [
        none_of("runs that have not ended", sum(run.status not in TERMINAL for run in runs)),
        none_of("runs whose events have a gap or repeat", sum(_gaps(run, events[run.id]) for run in runs)),
        none_of("runs without exactly one end", sum(not _one_end(run, events[run.id]) for run in runs)),
        none_of(
            "runs that cost other than their calls", sum(_cost(calls[run.id]) != run.cost_usd for run in runs)
        ),
        none_of(
            "runs that count other calls than they have",
            sum(len(calls[run.id]) != run.calls_started for run in runs),
        ),
        none_of("calls left open", sum(_open(calls[run.id]) for run in runs)),
        none_of("calls of ended steps billed twice over", sum(_billed_twice(calls[run.id]) for run in runs)),
        exactly("integrity of the database", integrity(), "ok"),
        none_of("places that show the provider's key", _leaks(printed)),
    ]


def integrity() -> str:
    """Return what SQLite says of its file: "ok", or what is wrong with it."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        return str(cursor.fetchone()[0])


def _gaps(run: Run, events: Sequence[Event]) -> bool:
    return [event.seq for event in events] != list(range(1, run.last_seq + 1))


def _one_end(run: Run, events: Sequence[Event]) -> bool:
    ends = [event.kind for event in events if event.kind in ENDS]
    return ends == [f"run_{run.status}"]


def _cost(calls: Sequence[Call]) -> Decimal:
    return sum((call.cost_usd for call in calls if call.cost_usd is not None), Decimal(0))


def _open(calls: Sequence[Call]) -> int:
    return sum(call.status == CallStatus.RUNNING for call in calls)


def _billed_twice(calls: Sequence[Call]) -> int:
    """Count calls that came to an answer beyond the first of their step."""
    answered = [call.step for call in calls if call.status == CallStatus.DONE]
    return len(answered) - len(set(answered))


def _leaks(printed: str) -> int:
    """Count the files of the data folder, and the output, that hold the key as it is.

    Another process reads them: closing a file of SQLite's here would give up this process's locks on it.
    """
    search = subprocess.run(
        ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings", API_KEY, FOLDER],
        capture_output=True,
        check=False,
    )
    return len(search.stdout.splitlines()) + (API_KEY in printed)
