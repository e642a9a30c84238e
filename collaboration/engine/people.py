"""What people say and do by themselves in a running session, each by the powers of the role they joined with.

    {"do": "say", "text": "…", "to": ["scout"]}

A payload that does not fit the schema of its command, a move that the role does not allow and one that comes
too late are refused in words, to that person alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from collaboration.engine.answers import ActionKind, ParsedAnswer, planned_from
from collaboration.engine.debating import add_proposal, go_round, negotiation, take_stances, take_vote
from collaboration.engine.lineup import Participant
from collaboration.engine.phases import Phase, Steering, steering_fault
from collaboration.engine.plan import (
    NotPossible,
    Plan,
    PlannedSubtask,
    Subtask,
    restarted,
    with_added,
    with_changed,
    with_dropped,
)
from collaboration.engine.roles import ParticipantRole, Power, refusal
from collaboration.engine.state import Action, SessionMember, Turn
from collaboration.engine.working import go_on, reopen, stop, take_review
from orchestra_site.web.alphabets import storable_text
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.values import Bounds, clipped, unknown
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Person

BOUNDS = Bounds(depth=6, nodes=500, characters=50_000)
_TEXT: Mapping[str, Json] = {"type": "string", "minLength": 1, "maxLength": 20_000}
_WORD: Mapping[str, Json] = {"type": "string", "maxLength": 200}
FIELDS: Mapping[str, Mapping[str, Json]] = {
    "text": _TEXT,
    "to": {"type": "array", "items": _WORD, "maxItems": 50},
    "role": {"type": "string", "enum": [str(each) for each in ParticipantRole]},
    "proposal": _WORD,
    "stance": {"type": "string", "enum": ["support", "oppose", "abstain"]},
    "option": _WORD,
    "reason": {"type": "string", "maxLength": 2_000},
    "subtask": _WORD,
    "title": _TEXT,
    "instructions": {"type": "string", "maxLength": 20_000},
    "needs": {"type": "array", "items": _WORD, "maxItems": 50},
    "assignee": _WORD,
}
"""What the fields of all commands may be."""
Payload = Mapping[str, Json]
USER = "user:"
"""What stands before the id of a user who does not take part, where a message is for them."""


@dataclass(frozen=True, slots=True)
class PersonCommand:
    """Something that a person can do: by which power, with which fields, and those it may have besides."""

    power: Power | None
    run: Callable[[Turn, Participant, Payload], None]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Json]:
        """The JSON Schema of its payload."""
        fields = {"do": dict(_WORD)} | {name: dict(FIELDS[name]) for name in (*self.required, *self.optional)}
        closed = {"type": "object", "additionalProperties": False}
        return closed | {"required": ["do", *self.required], "properties": fields}


def act(turn: Turn, by: Person, payload: Json) -> None:
    """Do what a person asks for, or refuse it."""
    member, move = turn.state.member(by.id), {}
    try:
        name, move = checked_command(payload), payload
        if name == "join":
            _join(turn, by, member, ParticipantRole(payload["role"]))
        else:
            COMMANDS[name].run(turn, _allowed(member, COMMANDS[name].power), payload)
    except NotPossible as fault:
        turn.refuse(member.participant.id if member else f"{USER}{by.id}", str(fault), move)


def _allowed(member: SessionMember | None, power: Power | None) -> Participant:
    """Return who acts. Raises `NotPossible` for one who does not take part or lacks the power."""
    if member is None or member.status != "active":
        raise NotPossible("Join the session first.")
    each = member.participant
    if power is not None and power not in each.powers:
        raise NotPossible(refusal(each.title, each.role, power))
    return each


def checked_command(payload: Json) -> str:
    """Return the name of the command that a payload is. Raises `NotPossible`."""
    if excess := BOUNDS.excess(payload):
        raise NotPossible(f"The command cannot be read: {excess}.")
    name = payload.get("do") if isinstance(payload, dict) else None
    if not isinstance(name, str) or name not in COMMANDS:
        raise NotPossible(unknown("command", str(name), list(COMMANDS)))
    if problems := parse_schema(COMMANDS[name].schema).problems(payload):
        raise NotPossible(f"{problems[0].path or 'The command'} {problems[0].message}.")
    return name


def payload_fault(payload: Json) -> str:
    """Return why a payload is no command at all, nothing where it is one that may be allowed."""
    try:
        checked_command(payload)
    except NotPossible as fault:
        return str(fault)
    return ""


def posted_command(name: str, posted: Mapping[str, Sequence[str]]) -> Payload:
    """Return the payload of a command from the fields of a form, without others and empty ones."""
    found: dict[str, Json] = {"do": name}
    command = COMMANDS.get(name)
    for field in (*command.required, *command.optional) if command else ():
        values = [each.strip() for each in posted.get(field, ()) if each.strip()]
        if values:
            found[field] = values if FIELDS[field]["type"] == "array" else values[-1]
    return found


def _join(turn: Turn, by: Person, member: SessionMember | None, role: ParticipantRole) -> None:
    """Let a person take part: in an open seat of the role, or in a new one. Raises `NotPossible`."""
    state = turn.state
    if member is not None and member.status == "active":
        raise NotPossible(f"You take part already, as {member.participant.role}.")
    seats = [each for each in state.members.values() if each.participant.is_person]
    own = [each for each in seats if each.user in {"", by.id} and each.participant.role is role]
    taken = sum(not each.is_observer for each in state.active)
    needs_place = role is not ParticipantRole.OBSERVER and not any(each.status == "active" for each in own)
    if needs_place and taken >= state.lineup.limits.participants:
        raise NotPossible(f"{taken} take part, more may not. Join as an observer.")
    name = clipped(" ".join(storable_text(by.name).split()), 100) or "A person"
    new = Participant(id=f"person-{len(state.members) + 1}", name=name, role=role, user=by.id)
    seat = own[0] if own else SessionMember(participant=new)
    joined = replace(seat, user=by.id, status="active", reason="Joined.")
    turn.set_members({**state.members, joined.participant.id: joined})
    turn.say("status_update", f"{name} joins as {role}.", about=joined.participant.id)


def _leave(turn: Turn, by: Participant, _: Payload) -> None:
    left = replace(turn.state.members[by.id], status="left")
    turn.set_members({**turn.state.members, by.id: left})


def _say(turn: Turn, by: Participant, payload: Payload) -> None:
    """Say or ask something; models that are asked reply, the leader where nobody is named."""
    here = {each.id: each for each in turn.state.active}
    to = tuple(dict.fromkeys(payload.get("to", ())))
    for id in to:
        if id not in here:
            raise NotPossible(unknown("participant", id, list(here)))
    is_question = payload["do"] == "ask"
    turn.say("question" if is_question else "response", payload["text"], by.id, to=to)
    for id in (to or (turn.state.leader.id,)) if is_question else ():
        if not here[id].is_person and Power.SPEAK in here[id].powers:
            turn.ask(ActionKind.REPLY, id, request=payload["text"], asked_by=by.id)


def _propose(turn: Turn, by: Participant, payload: Payload) -> None:
    """Propose something, asked for a proposal or not."""
    if not negotiation(turn).is_open:
        raise NotPossible("The proposals are being voted on: no more are taken.")
    add_proposal(turn, by.id, payload["text"])
    turn.withdraw(lambda each: each.kind is ActionKind.PROPOSE and each.participant == by.id)
    go_round(turn)


def _take_stance(turn: Turn, by: Participant, payload: Payload) -> None:
    found = negotiation(turn)
    proposal = found.proposal(payload["proposal"])
    if proposal is None:
        raise NotPossible(unknown("proposal", payload["proposal"], found.options))
    turn.withdraw(lambda each: each.kind is ActionKind.STANCE and each.participant == by.id)
    said = {proposal.id: (payload["stance"], payload.get("reason", ""))}
    take_stances(
        turn, Action(number=0, kind=ActionKind.STANCE, participant=by.id), ParsedAnswer(stances=said)
    )


def _vote(turn: Turn, by: Participant, payload: Payload) -> None:
    asked = [each for each in turn.state.asks(ActionKind.VOTE) if each.participant == by.id]
    if not asked or payload["option"] not in asked[0].choices:
        raise NotPossible("You are not asked for a vote on this, or have voted.")
    turn.withdraw(lambda each: each in asked)
    take_vote(turn, asked[0], ParsedAnswer(option=payload["option"], reason=payload.get("reason", "")))


def _judge(turn: Turn, by: Participant, payload: Payload) -> None:
    """Accept what is being reviewed, or send it back: a subtask, or the result where none is named."""
    id = payload.get("subtask", "")
    asked = [each for each in turn.state.asks(ActionKind.REVIEW) if each.subtask == id]
    if not asked:
        raise NotPossible(f"{id or 'The result'} is not being reviewed now.")
    author = turn.state.plan.named(id).author if id else turn.state.assembled_by
    if author == by.id:
        raise NotPossible("This is your own work: somebody else reviews it.")
    turn.withdraw(lambda each: each in asked)
    answer = ParsedAnswer(accepted=payload["do"] == "approve", reason=payload.get("reason", ""))
    take_review(turn, replace(asked[0], participant=by.id), answer)


def _edit(turn: Turn, by: Participant, payload: Payload) -> None:
    edit_plan(turn, by.id, by.title, payload)


def edit_plan(turn: Turn, by: str, name: str, payload: Payload) -> None:
    """Change the plan while it runs: what was asked about the subtask is taken back, and it begins again.

    `name` is what whoever edits is called. Raises `NotPossible`.
    """
    if turn.state.phase not in {Phase.EXECUTING, Phase.REVIEWING}:
        raise NotPossible("The plan is not settled yet. Redirect the session, or propose something.")
    plan, subtask = _edited(turn, by, payload)
    turn.withdraw(lambda each: each.subtask == subtask.id)
    turn.set(plan=plan)
    to = f" to {turn.state.title(subtask.assignee)}" if payload["do"] == "reassign" else ""
    said = f"{name} {payload['do']}s {subtask.id} “{subtask.title}”{to}."
    turn.say("status_update", said, by, about=subtask.id, pinned=True)
    if turn.state.phase is Phase.REVIEWING:
        reopen(turn)
    go_on(turn)


def _edited(turn: Turn, by: str, payload: Payload) -> tuple[Plan, Subtask]:
    """Return the plan after a change, and the subtask that it is about. Raises `NotPossible`."""
    plan, id = turn.state.plan, payload.get("subtask", "")
    match payload["do"]:
        case "add":
            return with_added(plan, planned_from(payload), most=turn.state.lineup.limits.subtasks)
        case "change":
            return with_changed(plan, id, planned_from(payload))
        case "drop":
            return with_dropped(plan, id)
        case "return":
            given = restarted(plan.changeable(id), failed_by=by)
            if by not in [each.participant for each in plan.named(id).chain[:1]]:
                raise NotPossible(f"{id} is not yours to give back.")
            return plan.put(given), given
        case _:
            to, able = payload.get("assignee", by), [each.id for each in turn.state.able(Power.WORK)]
            if to not in able:
                raise NotPossible(unknown("participant who does subtasks", to, able))
            return with_changed(plan, id, PlannedSubtask(title="", assignee=to))


def _redirect(turn: Turn, by: Participant, payload: Payload) -> None:
    """Give the session another direction: all that models are doing is asked again with it."""
    turn.say("status_update", f"Direction: {payload['text']}", by.id, pinned=True)
    turn.set(directions=(*turn.state.directions, f"{by.title}: {payload['text']}"))
    kinds = {ActionKind.PLAN, ActionKind.PROPOSE, ActionKind.WORK, ActionKind.ASSEMBLE}
    models = {each.id for each in turn.state.active if not each.is_person}
    for each in turn.withdraw(lambda each: each.kind in kinds and each.participant in models):
        turn.ask_again(each)


def _steer(turn: Turn, by: Participant, payload: Payload) -> None:
    steering: Steering = payload["do"]
    if fault := steering_fault(turn.state.phase, steering, paused=turn.state.paused_at is not None):
        raise NotPossible(fault)
    turn.say("status_update", f"{by.title} {steering}s the session.", by.id)
    if steering == "end":
        stop(turn, "person", f"{by.title} ended the session.")
    else:
        turn.pause(paused=steering == "pause")


_IT, _WHY = ("subtask",), ("reason",)
_REST = ("instructions", "needs", "assignee")
COMMANDS: Mapping[str, PersonCommand] = {
    "join": PersonCommand(None, lambda *_: None, ("role",)),
    "leave": PersonCommand(None, _leave),
    "say": PersonCommand(Power.SPEAK, _say, ("text",), ("to",)),
    "ask": PersonCommand(Power.SPEAK, _say, ("text",), ("to",)),
    "propose": PersonCommand(Power.PROPOSE, _propose, ("text",)),
    "stance": PersonCommand(Power.VOTE, _take_stance, ("proposal", "stance"), _WHY),
    "vote": PersonCommand(Power.VOTE, _vote, ("option",), _WHY),
    "approve": PersonCommand(Power.REVIEW, _judge, (), (*_IT, *_WHY)),
    "send_back": PersonCommand(Power.REVIEW, _judge, (), (*_IT, *_WHY)),
    "take": PersonCommand(Power.WORK, _edit, _IT),
    "return": PersonCommand(Power.WORK, _edit, _IT),
    "add": PersonCommand(Power.EDIT, _edit, ("title",), _REST),
    "change": PersonCommand(Power.EDIT, _edit, _IT, ("title", *_REST)),
    "drop": PersonCommand(Power.EDIT, _edit, _IT),
    "reassign": PersonCommand(Power.EDIT, _edit, ("subtask", "assignee")),
    "redirect": PersonCommand(Power.STEER, _redirect, ("text",)),
    "pause": PersonCommand(Power.STEER, _steer),
    "resume": PersonCommand(Power.STEER, _steer),
    "end": PersonCommand(Power.STEER, _steer),
}
"""What people can do, by name."""
