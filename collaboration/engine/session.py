"""A session as a reducer: a state and one entry give the next state, and what is to be done.

`advance` waits for nothing, asks nobody and reads no clock: the same entries in the same order give the same
states. What a model or a person says never raises; what is not allowed becomes an `error` in the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from collaboration.engine import debating, working
from collaboration.engine.answers import ActionKind, ParsedAnswer, read_answer
from collaboration.engine.contexts import overflow
from collaboration.engine.forking import fork
from collaboration.engine.lineup import LineUp
from collaboration.engine.people import act
from collaboration.engine.plan import NotPossible
from collaboration.engine.selection import Records, lacking, replacement, select
from collaboration.engine.state import (
    Acted,
    Action,
    Answered,
    Ended,
    Entry,
    Forked,
    Missed,
    SessionMember,
    SessionState,
    SessionStep,
    Turn,
)
from collaboration.engine.stopping import stops

LONGEST_SHOWN = 4_000
"""Characters of an answer that are shown to whoever corrects it, and of a summary."""
LEADERS = frozenset({ActionKind.PLAN, ActionKind.ASSEMBLE, ActionKind.SUMMARISE})
"""What another leader can take over."""
RESULTS = frozenset({ActionKind.WORK, ActionKind.ASSEMBLE})
"""Of which the same again gets nowhere."""


def open_session(lineup: LineUp, task: str, records: Records, seed: int = 0) -> SessionStep:
    """Begin a session at time 0. `records` say who can be reached, and how well each does."""
    taken, why = select(lineup, task, records)
    members = {
        each.id: SessionMember(
            participant=each,
            status="active" if each in taken else "bench",
            reason=why[each.id],
            user=each.user,
        )
        for each in lineup.participants
    }
    turn = Turn(SessionState(task=task, lineup=lineup, members=members, records=records, seed=seed), 0.0)
    reasons = " ".join(f"{each.title}: {why[each.id]}" for each in lineup.participants)
    options = {each.id: each.title for each in lineup.participants}
    selected = ", ".join(each.id for each in taken)
    turn.decide("resource_allocation", "Who takes part?", selected, reasons, options=options)
    if lacks := lacking(lineup, taken):
        working.fail(turn, "missing_participant", lacks)
    else:
        turn.ask(ActionKind.PLAN, turn.state.leader.id)
    return turn.step


def advance(state: SessionState, entry: Entry) -> SessionStep:
    """Return what follows from an entry. Raises `NotPossible` for a fork that cannot be, and for it alone."""
    turn = Turn(state, entry.at)
    if state.phase.has_ended:
        if isinstance(entry, Forked):
            raise NotPossible(f"The session is {state.phase} at this point: choose an earlier one.")
        if isinstance(entry, Acted) and (member := state.member(entry.by.id)):
            turn.refuse(member.participant.id, f"The session is {state.phase}.")
        return turn.step
    turn.count(seconds=turn.now - state.counted_from)
    _work_in(turn, entry)
    while turn.state.deferred and turn.state.paused_at is None and not turn.state.phase.has_ended:
        first, *rest = turn.state.deferred
        turn.set(deferred=tuple(rest))
        _work_in(turn, first)
    if not turn.state.phase.has_ended:
        _check(turn)
    return turn.step


def _work_in(turn: Turn, entry: Entry) -> None:
    match entry:
        case Answered() | Missed():
            _close(turn, entry)
        case Acted():
            before = set(turn.state.active)
            act(turn, entry.by, entry.payload)
            for each in before.difference(turn.state.active):
                _lose(turn, each.id, "They have left.")
        case Ended():
            end, code = (working.fail, "cancelled") if entry.cancelled else (working.stop, "run_limit")
            end(turn, code, entry.words)
        case Forked():
            fork(turn, entry)
        case _:
            pass  # time passed: the rules that follow every entry read the clock


def _check(turn: Turn) -> None:
    """Apply what follows every entry: the time of a negotiation, the limits, a summary that is due."""
    if turn.state.paused_at is None:
        debating.time_out(turn)
    rule, words = next(stops(turn.state.counts, turn.state.lineup.limits), ("", ""))
    if turn.state.phase.has_ended:
        return
    if rule:
        working.stop(turn, rule, words)
        return
    writers = [each for each in (turn.state.leader, *turn.state.voters) if not each.is_person]
    if writers and not turn.state.asks(ActionKind.SUMMARISE) and (up_to := overflow(turn.state)):
        turn.ask(ActionKind.SUMMARISE, writers[0].id, request=str(up_to))


def wake_at(state: SessionState) -> float | None:
    """Return when `TimePassed` is due if nothing else happens before; None for never."""
    if state.paused_at is not None or state.phase.has_ended:
        return None
    found, seconds = state.negotiation, state.lineup.negotiation.seconds
    limit = state.lineup.limits.seconds
    due = [None if limit is None else limit + state.counted_from]
    if found is not None and found.is_open and seconds is not None:
        due.append(found.opened_at + seconds)
    return min((each + state.paused_for for each in due if each is not None), default=None)


def _close(turn: Turn, entry: Answered | Missed) -> None:
    """Work in how an action ended; one that is not pending (any more) changes nothing but the cost."""
    action = turn.state.pending.get(entry.action)
    if turn.state.paused_at is not None and action is not None:
        if isinstance(entry, Missed) and entry.why == "expired":  # the whole time again after the pause
            turn.close(action.number)
            turn.ask_again(action)
        else:
            turn.set(deferred=(*turn.state.deferred, entry))
        return
    turn.count(cost=turn.state.counts.cost + entry.cost_usd)
    if action is None:
        return
    turn.close(action.number)
    match entry:
        case Answered():
            _take(turn, action, entry)
        case Missed(why="down"):
            _lose(turn, action.participant, entry.words, action)
        case _:
            said = "did not answer in time." if entry.why == "expired" else f"did not answer: {entry.words}"
            _miss(turn, action, said)


def _take(turn: Turn, action: Action, entry: Answered) -> None:
    """Take an answer; one that cannot be used is asked for once more, then it is missing."""
    content, before = entry.content, turn.state
    if action.kind is ActionKind.TOOL and not isinstance(content, str):
        content = json.dumps(content, ensure_ascii=False, default=str)
    if action.kind in RESULTS:
        purpose = f"{action.participant} {action.kind} {action.subtask}"
        turn.set(counts=turn.state.counts.after_move(purpose, str(content)))
    try:
        answer = read_answer(action.kind, content, before.lineup.protocol, action.choices)
        take, _ = FOLLOW_UPS[action.kind]
        turn.count(idle=0)
        take(turn, action, answer)
    except NotPossible as fault:
        turn.count(idle=before.counts.idle)
        if action.problem or action.kind is ActionKind.TOOL:
            _miss(turn, action, f"did not answer as asked: {fault}")
        else:
            turn.count(idle=before.counts.idle + 1)
            turn.refuse(action.participant, f"The answer cannot be used: {fault}")
            turn.ask_again(action, problem=str(fault), previous=str(content)[:LONGEST_SHOWN])


def _miss(turn: Turn, action: Action, said: str) -> None:
    """Go on without an answer: an abstention, or what else the action has as its default."""
    turn.count(idle=turn.state.counts.idle + 1)
    turn.say("error", f"{turn.state.title(action.participant)} {said}", about=action.subtask)
    FOLLOW_UPS[action.kind][1](turn, action)


def _lose(turn: Turn, id: str, words: str, action: Action | None = None) -> None:
    """Go on without a participant: another one takes over what it was asked, or nobody does."""
    state, lost = turn.state, turn.state.members[id]
    bench = [each.participant for each in state.members.values() if each.status == "bench"]
    found = replacement(lost.participant, bench, state.task, state.records)
    left = replace(lost, status="left" if lost.status == "left" else "lost", reason=words)
    members = {**state.members, id: left}
    if found is not None:
        members[found.id] = replace(
            members[found.id], status="active", reason=f"For {lost.participant.title}."
        )
    turn.set_members(members)
    goes_on = f"{found.title} takes its place." if found else "The session goes on without."
    turn.say("status_update", f"{lost.participant.title} is gone. {words} {goes_on}", pinned=True)
    if lacks := lacking(state.lineup, turn.state.active):
        working.fail(turn, "missing_participant", lacks)
        return
    mine = ((action,) if action else ()) + turn.withdraw(lambda each: each.participant == id)
    for each in mine:
        stand_in = turn.state.leader if found is None and each.kind in LEADERS else found
        if turn.state.phase.has_ended:
            return
        if stand_in is None or each.kind in {ActionKind.WORK, ActionKind.TOOL}:
            FOLLOW_UPS[each.kind][1](turn, each)
        else:
            turn.ask_again(each, participant=stand_in.id)


def _take_reply(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    turn.say("response", answer.text, action.participant, to=(action.asked_by,))


def _take_summary(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    turn.set(summary=answer.text[-LONGEST_SHOWN:], summarised=int(action.request))


def _miss_summary(turn: Turn, action: Action) -> None:
    text = f"{turn.state.summary}\n(Messages up to {action.request} are left out.)".strip()
    _take_summary(turn, action, ParsedAnswer(text=text))


Take = Callable[[Turn, Action, ParsedAnswer], None]
Miss = Callable[[Turn, Action], None]
FOLLOW_UPS: Mapping[ActionKind, tuple[Take, Miss]] = {
    ActionKind.PLAN: (debating.take_plan, debating.miss_plan),
    ActionKind.PROPOSE: (debating.take_proposal, debating.go_round),
    ActionKind.STANCE: (debating.take_stances, debating.go_round),
    ActionKind.VOTE: (debating.take_vote, debating.go_round),
    ActionKind.WORK: (working.take_work, working.miss_work),
    ActionKind.TOOL: (working.take_tool_result, working.miss_tool_result),
    ActionKind.REVIEW: (working.take_review, working.miss_review),
    ActionKind.ASSEMBLE: (working.take_assembly, working.miss_assembly),
    ActionKind.REPLY: (_take_reply, lambda *_: None),
    ActionKind.SUMMARISE: (_take_summary, _miss_summary),
}
"""What follows when an action of a kind is answered, and when no answer can be used."""
