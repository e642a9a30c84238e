"""The records of a session: what each entry changed, as a row, and the whole session gathered from its rows.

A row is plain JSON that never changes. The newest row that has a participant, subtask or proposal counts, so
that everything that is shown and exported is a function of the rows alone, whatever the rules become.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collaboration.engine.negotiation import Negotiation
from collaboration.engine.plan import Subtask
from collaboration.engine.state import SessionEnding, SessionMember, SessionState, SessionStep
from orchestration.llm.engine.types import Json, plain

Row = Mapping[str, Json]
KEYED = ("participants", "subtasks", "proposals", "messages", "decisions", "actions")
"""What a session has several of; each has an `id` or a `number`."""
EMPTY: Row = {
    "phase": "",
    "paused": False,
    "outcome": None,
    "round": 0,
    "result": "",
    "assembled_by": "",
    "ending": None,
    "fork": None,
    "pending": [],
}
"""What a session has one of, before anything happens; a row has it only where it has changed."""


def session_row(before: SessionState | None, step: SessionStep, at: float) -> dict[str, Json]:
    """Return what an entry changed; without a state `before` all that a session begins with."""
    old, new = {} if before is None else _shown(before), _shown(step.state)
    found: dict[str, Json] = {"at": round(at, 3)}
    for name in EMPTY:
        if new[name] != old.get(name, EMPTY[name]):
            found[name] = new[name]
    for name in ("participants", "subtasks", "proposals"):
        known = old.get(name, {})
        if changed := [each for id, each in new[name].items() if known.get(id) != each]:
            found[name] = changed
    for name, records in (("messages", step.messages), ("decisions", step.decisions)):
        if records:
            found[name] = plain(list(records))
    if step.actions:
        found["actions"] = [
            {
                "number": each.number,
                "kind": str(each.kind),
                "participant": each.participant,
                "about": each.subtask,
            }
            for each in step.actions
        ]
    return found


def _shown(state: SessionState) -> dict[str, Any]:
    """Return what rows have of a state."""
    debate = state.negotiation
    return {
        "phase": str(state.phase),
        "paused": state.paused_at is not None,
        "outcome": debate.outcome if debate is not None else None,
        "round": debate.round if debate is not None else 0,
        "result": state.result,
        "assembled_by": state.assembled_by,
        "pending": list(state.pending),
        "ending": None if state.ending is None else _ending(state, state.ending),
        "fork": plain(state.fork),
        "participants": {id: _participant(each) for id, each in state.members.items()},
        "subtasks": {each.id: _subtask(each) for each in state.plan.subtasks},
        "proposals": {} if debate is None else {each["id"]: each for each in _proposals(debate)},
    }


def _participant(member: SessionMember) -> Row:
    each = member.participant
    facts = {"id": each.id, "name": each.title, "role": str(each.role), "specialty": each.specialty}
    return {**facts, "model": each.model, "user": member.user, "status": member.status, "why": member.reason}


def _subtask(each: Subtask) -> Row:
    return {
        "id": each.id,
        "title": each.title,
        "instructions": each.instructions,
        "needs": list(each.needs),
        "assignee": each.assignee,
        "at_work": each.chain[-1].participant if each.chain else "",
        "status": str(each.status),
        "author": each.author,
        "returns": each.returns,
        "remark": each.remark,
        "score": each.score,
        "helpers": [{"by": given.by, "request": given.request} for given in each.helpers],
        "result": each.result,
    }


def _proposals(debate: Negotiation) -> Iterator[dict[str, Json]]:
    for each in debate.proposals:
        stances = [
            {
                "voter": stance.voter,
                "stance": stance.kind,
                "reason": stance.reason,
                "round": stance.round,
                "weight": debate.weights.get(stance.voter, 0.0),
            }
            for stance in debate.stances.values()
            if stance.proposal == each.id
        ]
        yield {
            "id": each.id,
            "by": each.by,
            "text": each.text,
            "support": round(debate.score(each.id), 4),
            "stances": stances,
            "chosen": debate.chosen == each.id,
        }


def _ending(state: SessionState, ending: SessionEnding) -> Row:
    contributions = [
        {
            "participant": each.participant,
            "role": str(state.members[each.participant].participant.role),
            "subtasks": each.subtasks,
            "words": each.words,
            "impact": each.impact,
        }
        for each in ending.contributions
    ]
    facts = {"words": ending.words, "caveat": ending.caveat, "quality": ending.quality}
    return {**facts, "consensus": ending.consensus, "contributions": contributions}


def gathered(task: str, rows: Iterable[Row]) -> dict[str, Json]:
    """Return a whole session from its rows, in their order: what is shown, and exported as JSON.

    A message or decision has the number of the `entry` that it came with.
    """
    found: dict[str, Json] = {"task": task, **EMPTY}
    keyed: dict[str, dict[Json, Json]] = {name: {} for name in KEYED}
    for number, row in enumerate(rows):
        found |= {name: row[name] for name in EMPTY if name in row}
        found |= {"seconds": row["at"], "entries": number}
        for name, known in keyed.items():
            known |= {each.get("id", each.get("number")): each for each in row.get(name, ())}
        for name in ("messages", "decisions"):
            keyed[name] |= {each["number"]: {**each, "entry": number} for each in row.get(name, ())}
    return {
        "seconds": 0.0,
        "entries": 0,
        **found,
        **{name: list(known.values()) for name, known in keyed.items()},
    }
