"""How a session goes on differently from a point of another one: a fork.

    entries 1 … n of the other session, `Forked`, entries of its own

Everything up to the point is replayed, so that it is known and costs nothing. What was pending there is asked
anew, with another line-up, direction or plan. Limits and counts begin anew: those before were the other's.
"""

from __future__ import annotations

from dataclasses import replace

from collaboration.engine.lineup import LineUp, Participant
from collaboration.engine.people import checked_command, edit_plan
from collaboration.engine.plan import NotPossible
from collaboration.engine.selection import lacking
from collaboration.engine.state import Forked, ForkPoint, SessionMember, Turn
from collaboration.engine.stopping import Counts

EDITS = frozenset({"add", "change", "drop", "reassign"})
"""What a fork can do to the plan."""


def fork(turn: Turn, entry: Forked) -> None:
    """Let a session go on differently. Raises `NotPossible` for a change that its state does not bear."""
    state, by = turn.state, entry.by.name
    if state.paused_at is not None:
        turn.pause(paused=False)
    replayed = state.counts.cost + (state.fork.cost_usd if state.fork is not None else 0)
    point = ForkPoint(
        of=entry.of,
        entry=entry.entry,
        by=by,
        words=entry.words,
        direction=entry.direction,
        at=turn.now,
        cost_usd=replayed,
    )
    turn.set(fork=point, counts=Counts())
    turn.say("status_update", f"{by} forks the session here. {entry.words}".rstrip())
    _seat(turn, entry)
    if entry.direction:
        turn.say("status_update", f"Direction: {entry.direction}", pinned=True)
        turn.set(directions=(*state.directions, f"{by}: {entry.direction}"))
    answered = {each.action for each in state.deferred}  # in the pause, and worked in from now on
    for action in turn.withdraw(lambda each: each.number not in answered):
        turn.ask_again(action)
    for edit in entry.plan:
        if (name := checked_command(edit)) not in EDITS:
            raise NotPossible(f"A fork can {', '.join(sorted(EDITS))} subtasks, not {name}.")
        edit_plan(turn, "", by, edit)


def _seat(turn: Turn, entry: Forked) -> None:
    """Take on the line-up of a fork. Raises `NotPossible`."""
    before = {each.id: each for each in turn.state.lineup.participants}
    members = dict(turn.state.members)
    for each in entry.lineup.participants:
        members[each.id] = _seated(each, members.get(each.id), before.pop(each.id, None))
    if before:
        raise NotPossible(f"{', '.join(before)} took part until here and cannot be left out of a fork.")
    turn.set(lineup=entry.lineup, records={**turn.state.records, **entry.records})
    turn.set_members(members)
    _check(turn, entry.lineup)


def _seated(new: Participant, seat: SessionMember | None, old: Participant | None) -> SessionMember:
    """Return the seat of a participant of a fork. Raises `NotPossible` for another role or another person."""
    if seat is None:
        return SessionMember(participant=new, reason="Added by the fork.", user=new.user)
    if old is None:
        raise NotPossible(f"Somebody called “{new.id}” has joined already: give the new one another id.")
    if new == old:
        return seat
    if (new.role, new.user, new.team_role) != (old.role, old.user, old.team_role):
        raise NotPossible(
            f"{old.title} was {old.role} until here: a fork can change its model, not what it is."
        )
    changed = replace(seat, participant=new)
    if seat.status == "lost" and new.model != old.model:
        return replace(changed, status="active", reason=f"Back, with the model {new.model}.")
    return changed


def _check(turn: Turn, lineup: LineUp) -> None:
    taken, most = sum(not each.is_observer for each in turn.state.active), lineup.limits.participants
    if taken > most:
        raise NotPossible(f"{taken} would take part, at most {most} may. Raise that limit.")
    if lacks := lacking(lineup, turn.state.active):
        raise NotPossible(lacks)
