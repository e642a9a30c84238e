"""Line-ups of a team, for tests: as drafts and published."""

from __future__ import annotations

from collections.abc import Mapping

from collaboration.selectors import LINEUPS
from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import write_yaml
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import create_definition, publish
from orchestration.llm.engine.types import Json, plain
from orchestration.runs.models import Run, Step
from tests.support.history import a_run
from tests.support.rooms import Room

LEAD = {"id": "lead", "name": "Lead", "role": "leader", "model": "any"}
WRITER = {"id": "writer", "role": "executor", "model": "any"}


def lineup_text(*participants: Mapping[str, Json], **fields: Json) -> str:
    """Return a line-up as it is written: a leader and a writer without a debate, unless it says others."""
    rules: dict[str, Json] = {"negotiation": {"rounds": 0}, "limits": {"returns": 0, "subtasks": 2}}
    return write_yaml(
        {"name": "small", **rules, **fields, "participants": list(participants or (LEAD, WRITER))}
    )


def a_lineup_draft(
    member: Membership, *participants: Mapping[str, Json], name: str = "small", **fields: Json
) -> SavedDefinition:
    """Store a line-up with a draft."""
    text = lineup_text(*participants, name=name, **fields)
    return create_definition(membership=member, kind=LINEUPS, name=name, text=text)


def a_lineup(
    member: Membership, *participants: Mapping[str, Json], name: str = "small", **fields: Json
) -> SavedDefinition:
    """Store a line-up with a published version."""
    row = a_lineup_draft(member, *participants, name=name, **fields)
    publish(membership=member, definition=row, based_on=row.draft_number)
    return row


def a_session_run(member: Membership, task: str) -> Run:
    """Store a session that has begun, and in which nothing has happened since."""
    return a_played_run(member, Room(task=task))


def a_played_run(member: Membership, room: Room, **fields: Json) -> Run:
    """Store what was played in a room as a run with its rows."""
    lineup = room.state.lineup.model_dump(mode="json")
    request: Json = {"text": room.state.task, "lineup": lineup, "records": {}, "models": [], "version": None}
    given: Json = {"kind": "session", "ref": "harbours", "seed": 0, **fields}
    run = a_run(member, room.state.task, request={**request, "constraints": {}}, **given)
    ended: Json = {"kind": "record", "status": "done", "started_s": 0.0, "seconds": 0.0}
    steps = [
        Step(run=run, key=f"session/{number}", result=plain(row), **ended)
        for number, row in enumerate(room.rows())
    ]
    Step.objects.bulk_create(steps)
    return run
