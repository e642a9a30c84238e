"""Sessions that go on differently from a point of another one, with which they are frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from collaboration.engine.lineup import LineUp
from collaboration.engine.plan import NotPossible
from collaboration.engine.replaying import (
    ACTION,
    LOG,
    MESSAGE,
    Replay,
    frozen_entry,
    journal_entries,
    read_entry,
    replay,
)
from collaboration.engine.selection import Records
from collaboration.engine.session import advance
from collaboration.engine.state import Entry, Forked, SessionState
from collaboration.selectors import KIND, LINEUPS, SESSION_ROWS
from collaboration.services.freezing import frozen_lineup, parsed_session, stored_lineup, stored_records
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
class ReplayedSession:
    """What a session begins with: its first line-up, and the entries that are replayed."""

    lineup: LineUp
    records: Records
    seed: int
    entries: Sequence[Entry] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkChanges:
    """What is different in a fork: the line-up as a document, its limits, a direction, edits of the plan."""

    lineup: Json
    constraints: Mapping[str, Json]
    direction: str = ""
    plan: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ForkStart:
    """A session as it was after `entries`; `begun` is how it is frozen, entries that it replayed included."""

    begun: Mapping[str, Json]
    entries: Sequence[Entry]
    replayed: Replay

    @property
    def state(self) -> SessionState:
        """The state from which the fork goes on."""
        return self.replayed.step.state


def begun_session(request: Mapping[str, Json], seed: int) -> dict[str, Json]:
    """Return how the session of a frozen request began; the entries are those that it replays."""
    own = {"lineup": request["lineup"], "records": request["records"], "seed": seed, "entries": []}
    return own | (request.get("fork") or {})


def replayed_session(begun: Mapping[str, Json]) -> ReplayedSession:
    """Return what a session begins with. Raises `InvalidRequest`."""
    try:
        entries = tuple(map(read_entry, begun["entries"]))
    except (NotPossible, TypeError):
        raise InvalidRequest("The session that this is a fork of can no longer be read.") from None
    lineup, records = stored_lineup(begun["lineup"]), stored_records(begun["records"])
    return ReplayedSession(lineup=lineup, records=records, seed=begun["seed"], entries=entries)


def fork_start(run: Run, entry: int) -> ForkStart:
    """Return a session as it was after an entry of it, 0 for its beginning. Raises `InvalidRequest`."""
    begun, rows = begun_session(run.request, run.seed), [*SESSION_ROWS.of(run.pk).values()]
    known = replayed_session(begun)
    try:
        entries = [*known.entries, *journal_entries(_journal(run), len(known.entries) + 1)]
        given = (known.lineup, run.prompt, known.records, known.seed, entries[: max(0, entry)])
        found = replay(*given)
    except NotPossible as fault:
        raise InvalidRequest(str(fault), field="entry") from None
    if not 0 <= entry <= len(entries) or not rows:
        raise InvalidRequest(f"Choose a point up to {len(entries)}: no more has happened.", field="entry")
    if [_told(each) for each in found.rows] != [_told(each) for each in rows[: entry + 1]]:
        message = "This session ran by the rules of another version of Orchestra: it cannot be forked."
        raise InvalidRequest(message, field="entry")
    if (phase := found.step.state.phase).has_ended:
        raise InvalidRequest(f"The session is {phase} at this point: choose an earlier one.", field="entry")
    return ForkStart(begun=begun, entries=entries[:entry], replayed=found)


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
    start = fork_start(run, entry)
    lineup = sound(LINEUPS.check(changes.lineup, {}), "The line-up")
    is_same = lineup == start.state.lineup
    payload = {
        "text": run.prompt,
        "version": run.request["version"] if is_same else None,
        "models": run.request["models"],
        "constraints": changes.constraints,
    }
    frozen = frozen_lineup(membership, lineup, parsed_session(payload))
    told = [f"{each.message}." for each in LINEUPS.changes(start.state.lineup, frozen.lineup)]
    if changes.plan:
        told.append(f"{counted(len(changes.plan), 'edit')} of the plan.")
    forked = Forked(
        at=start.replayed.at,
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
        advance(start.state, forked)
    except NotPossible as fault:
        raise InvalidRequest(str(fault)) from None
    fork = {**start.begun, "entries": [frozen_entry(each) for each in (*start.entries, forked)]}
    if len(json.dumps(fork)) > LARGEST:
        message = f"What was said until here has more than {LARGEST:,} characters: choose an earlier point."
        raise InvalidRequest(message, field="entry")
    payload |= {"lineup": frozen.request["lineup"], "fork": fork}
    return start_run(membership=membership, kind=KIND, payload=payload, origin=Origin(rerun_of=run))
