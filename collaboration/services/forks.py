"""Sessions that go on differently from a point of another one, with which they are frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from pydantic import ValidationError

from collaboration.engine.plan import NotPossible
from collaboration.engine.replaying import (
    ACTION,
    LOG,
    MESSAGE,
    STARTS,
    Replay,
    SessionStart,
    journal_entries,
    replay,
)
from collaboration.engine.session import advance
from collaboration.engine.state import Forked
from collaboration.selectors import KIND, LINEUPS, SESSION_ROWS
from collaboration.services.freezing import frozen_lineup, parsed_session, stored_records
from orchestra_site.accounts.models import Membership
from orchestration.library.services.definitions import sound
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind, StepRecord
from orchestration.runs.engine.types import Person, StepStatus
from orchestration.runs.models import Run
from orchestration.runs.services.starting import Origin, start_run
from orchestration.strategies.engine.types import counted

LARGEST = 2_000_000
"""Characters of the entries that a fork is frozen with."""
SHOWN = ("phase", "messages", "decisions")
"""What has to come out again when entries are replayed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkChanges:
    """What is different in a fork: the line-up as a document, its limits, a direction, edits of the plan."""

    lineup: Json
    constraints: Mapping[str, Json]
    direction: str = ""
    plan: Sequence[Mapping[str, Json]] = ()


def session_start(request: Mapping[str, Json], seed: int) -> SessionStart:
    """Return how the session of a frozen request began, and what it replays. Raises `InvalidRequest`."""
    own = {"lineup": request["lineup"], "records": request["records"], "seed": seed}
    try:
        return STARTS.validate_python({**own, **(request.get("fork") or {}), "task": request["text"]})
    except ValidationError:
        raise InvalidRequest("How this session began can no longer be read.") from None


def fork_start(run: Run, entry: int) -> tuple[SessionStart, Replay]:
    """Return a session up to an entry, 0 for its beginning, and its replay. Raises `InvalidRequest`."""
    start, rows = session_start(run.request, run.seed), [*SESSION_ROWS.of(run.pk).values()]
    try:
        entries = (*start.entries, *journal_entries(_journal(run), len(start.entries) + 1))
        start = replace(start, entries=entries[: max(0, entry)])
        found = replay(start)
    except NotPossible as fault:
        raise InvalidRequest(str(fault), field="entry") from None
    if not 0 <= entry <= len(entries) or not rows:
        raise InvalidRequest(f"Choose a point up to {len(entries)}: no more has happened.", field="entry")
    if [_told(each) for each in found.rows] != [_told(each) for each in rows[: entry + 1]]:
        message = "This session ran by the rules of another version of Orchestra: it cannot be forked."
        raise InvalidRequest(message, field="entry")
    if (phase := found.step.state.phase).has_ended:
        raise InvalidRequest(f"The session is {phase} at this point: choose an earlier one.", field="entry")
    return start, found


def _told(row: Mapping[str, Json]) -> list[Json]:
    return [row.get(name) for name in SHOWN]


def _journal(run: Run) -> dict[str, StepRecord]:
    """Return the steps of a session from which its entries are read."""
    parts = Q(key__startswith=f"{LOG}/") | Q(key__startswith=f"{ACTION}/") | Q(key__startswith=f"{MESSAGE}/")
    rows = run.steps.filter(parts).exclude(kind=StepKind.RECORD)
    return {
        key: StepRecord(key=key, kind=StepKind(kind), status=StepStatus(status), result=result, error=error)
        for key, kind, status, result, error in rows.values_list("key", "kind", "status", "result", "error")
    }


def start_fork(*, membership: Membership, run: Run, entry: int, changes: ForkChanges) -> Run:
    """Start a session that goes on differently after an entry of another one. Raises `InvalidRequest`."""
    start, replayed = fork_start(run, entry)
    state, lineup = replayed.step.state, sound(LINEUPS.check(changes.lineup, {}), "The line-up")
    payload = {
        "text": run.prompt,
        "version": run.request["version"] if lineup == state.lineup else None,
        "models": run.request["models"],
        "constraints": changes.constraints,
    }
    frozen = frozen_lineup(membership, lineup, parsed_session(payload))
    told = [f"{each.message}." for each in LINEUPS.changes(state.lineup, frozen.lineup)]
    if changes.plan:
        told.append(f"{counted(len(changes.plan), 'edit')} of the plan.")
    forked = Forked(
        at=replayed.at,
        by=Person(id=str(membership.user_id), name=str(membership.user)),
        of=str(run.pk),
        entry=entry,
        lineup=frozen.lineup,
        records=stored_records(frozen.request["records"]),
        words=" ".join(told),
        direction=changes.direction,
        plan=tuple(changes.plan),
    )
    try:
        advance(state, forked)
    except NotPossible as fault:
        raise InvalidRequest(str(fault)) from None
    fork = STARTS.dump_python(replace(start, entries=(*start.entries, forked)), mode="json")
    if len(json.dumps(fork)) > LARGEST:
        message = f"What was said until here has more than {LARGEST:,} characters: choose an earlier point."
        raise InvalidRequest(message, field="entry")
    payload |= {"lineup": frozen.request["lineup"], "fork": fork}
    return start_run(membership=membership, kind=KIND, payload=payload, origin=Origin(rerun_of=run))
