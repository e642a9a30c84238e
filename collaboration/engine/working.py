"""Subtasks being done: started as their needs end, delegated, reviewed, sent back, given to somebody else.

Work that is delegated comes back as help to whoever delegated it, who goes on with it. Nobody is asked who
is at work on the subtask already (a loop), nor twice the same, nor deeper than the limit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from collaboration.engine.answers import ActionKind, ParsedAnswer
from collaboration.engine.assignment import assign, best_worker
from collaboration.engine.impact import contributions
from collaboration.engine.lineup import Participant
from collaboration.engine.phases import Phase
from collaboration.engine.plan import (
    Delegated,
    GivenHelp,
    NotPossible,
    Plan,
    Subtask,
    SubtaskStatus,
    restarted,
)
from collaboration.engine.roles import ParticipantRole, Power
from collaboration.engine.state import Action, SessionEnding, SessionState, Turn
from orchestration.expressions.embedded import json_values
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.quality.scoring import ExaminedAnswer, JudgeRating, combine
from orchestration.strategies.engine.types import counted

MOST_HELP = 6
"""How often work on one subtask is delegated."""
TOOL = "tool:"
"""What stands before the name of a tool among those to whom work can be delegated."""


def begin_work(turn: Turn) -> None:
    """Assign the subtasks of the plan, and start those that need nothing."""
    state, workers = turn.state, turn.state.able(Power.WORK)
    found = assign(state.plan, workers, state.records)
    for id, (participant, _) in found.items():
        turn.put(replace(turn.state.plan.named(id), assignee=participant))
    selected = ", ".join(f"{id}: {participant}" for id, (participant, _) in found.items())
    reasons = " ".join(f"{id}: {reason}" for id, (_, reason) in found.items())
    options = {each.id: each.title for each in workers}
    turn.decide("resource_allocation", "Who does what?", selected, reasons, options=options)
    turn.enter(Phase.EXECUTING)
    go_on(turn)


def go_on(turn: Turn) -> None:
    """Start every subtask that may start; when all have ended, go on to the result."""
    while turn.state.phase is Phase.EXECUTING and turn.state.plan.ready:
        _start(turn, turn.state.plan.ready[0])
    if turn.state.phase is Phase.EXECUTING and turn.state.plan.is_over:
        assemble(turn)


def _start(turn: Turn, subtask: Subtask) -> None:
    state = turn.state
    load = Counter(each.assignee for each in state.plan.subtasks if not each.status.has_ended)
    worker, reason = best_worker(subtask, state.able(Power.WORK), load, state.records)
    if not worker:
        turn.put(replace(subtask, status=SubtaskStatus.FAILED, remark=reason))
        turn.say("status_update", f"{subtask.id} fails. {reason}", about=subtask.id)
        return
    chain = (Delegated(participant=worker, request=subtask.instructions),)
    turn.say("status_update", f"{state.title(worker)} does {subtask.line}.", about=subtask.id)
    _ask_work(turn, replace(subtask, assignee=worker, status=SubtaskStatus.WORKING, chain=chain))


def _ask_work(turn: Turn, subtask: Subtask) -> None:
    """Ask whoever is at work on a subtask now; where they have left, it begins again."""
    at_work = subtask.chain[-1]
    if all(each.id != at_work.participant for each in turn.state.active):
        turn.put(restarted(subtask))
        go_on(turn)
        return
    turn.put(subtask)
    before = subtask.chain[-2].participant if len(subtask.chain) > 1 else ""
    choices = targets(turn.state, subtask)
    asked = {"subtask": subtask.id, "choices": choices, "request": at_work.request, "asked_by": before}
    turn.ask(ActionKind.WORK, at_work.participant, **asked)


def targets(state: SessionState, subtask: Subtask) -> tuple[str, ...]:
    """Return to whom whoever is at work may delegate: others who can work, and tools, within the limits."""
    if len(subtask.helpers) >= MOST_HELP:
        return ()
    busy = {each.participant for each in subtask.chain}
    is_deep = len(subtask.chain) > state.lineup.limits.delegation_depth
    others = () if is_deep else tuple(each.id for each in state.able(Power.WORK) if each.id not in busy)
    tools = state.members[subtask.chain[-1].participant].participant.tools
    return (*others, *(f"{TOOL}{name}" for name in tools))


def take_work(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take a result, give help back to whoever delegated, or delegate as the answer says."""
    subtask, author = turn.state.plan.named(action.subtask), action.participant
    if answer.delegate_to:
        _delegate(turn, action, subtask, answer)
    elif len(subtask.chain) > 1:
        turn.say("response", answer.text, author, to=(action.asked_by,), about=subtask.id)
        _give_back(turn, subtask, GivenHelp(by=author, request=action.request, text=answer.text))
    else:
        turn.say("result", answer.text, author, about=subtask.id)
        turn.put(replace(subtask, result=answer.text, author=author, status=SubtaskStatus.REVIEWING))
        reviewer = _choose_reviewer(turn.state, author) or turn.state.leader
        turn.ask(ActionKind.REVIEW, reviewer.id, subtask=subtask.id)


def _delegate(turn: Turn, action: Action, subtask: Subtask, answer: ParsedAnswer) -> None:
    """Ask a tool or somebody else for a part of the work. Raises `NotPossible`."""
    target, request = answer.delegate_to, answer.text
    if target not in targets(turn.state, subtask):  # somebody may have left since
        raise NotPossible(f"{subtask.id} cannot be delegated to “{target}” now.")
    asked = [*(each.request for each in subtask.helpers), *(each.request for each in subtask.chain)]
    if request in asked:
        raise NotPossible(f"This was asked before on {subtask.id}: it would go in a circle.")
    name = target.removeprefix(TOOL)
    if name == target:
        turn.say("delegation", request, action.participant, to=(target,), about=subtask.id)
        further = Delegated(participant=target, request=request)
        _ask_work(turn, replace(subtask, chain=(*subtask.chain, further)))
        return
    arguments: Json = next((each for each in json_values(request) if isinstance(each, dict)), None)
    if arguments is None:
        raise NotPossible(f"{name} takes its arguments as a JSON object.")
    turn.say("delegation", f"{name}: {request}", action.participant, about=subtask.id)
    call = {"subtask": subtask.id, "request": request, "tool": name, "arguments": arguments}
    turn.ask(ActionKind.TOOL, action.participant, **call)


def take_tool_result(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Give what a tool returned to whoever called it."""
    said = f"{action.tool}: {answer.text}"
    turn.say("response", said, to=(action.participant,), about=action.subtask)
    given = GivenHelp(by="", request=action.request, text=answer.text)
    _ask_work(turn, _with_help(turn.state.plan.named(action.subtask), given))


def miss_tool_result(turn: Turn, action: Action) -> None:
    """Say to whoever called a tool that it gave nothing."""
    take_tool_result(turn, action, ParsedAnswer(text="The tool gave no result."))


def _give_back(turn: Turn, subtask: Subtask, given: GivenHelp) -> None:
    """Let whoever delegated work go on with the help that came."""
    _ask_work(turn, _with_help(replace(subtask, chain=subtask.chain[:-1]), given))


def _with_help(subtask: Subtask, given: GivenHelp) -> Subtask:
    """Return a subtask with help for whoever is at work on it."""
    *before, at_work = subtask.chain
    at_work = replace(at_work, help=(*at_work.help, given))
    return replace(subtask, chain=(*before, at_work), helpers=(*subtask.helpers, given))


def miss_work(turn: Turn, action: Action) -> None:
    """Go on without an answer: who delegated goes on without help, else somebody else does the subtask."""
    subtask = turn.state.plan.named(action.subtask)
    if len(subtask.chain) > 1:
        text = f"{turn.state.title(action.participant)} could not help."
        _give_back(turn, subtask, GivenHelp(by="", request=action.request, text=text))
        return
    turn.put(restarted(subtask, failed_by=action.participant))
    go_on(turn)


def _choose_reviewer(state: SessionState, author: str) -> Participant | None:
    """Return who reviews what another made: a reviewer with little to review, else the leader."""
    able = [each for each in state.able(Power.REVIEW) if each.id != author]
    reviewers = [each for each in able if each.role is ParticipantRole.REVIEWER]
    waiting = [each.participant for each in state.asks(ActionKind.REVIEW)]
    return min(reviewers or able, key=lambda each: waiting.count(each.id), default=None)


def take_review(turn: Turn, action: Action, review: ParsedAnswer) -> None:
    """Accept a subtask or the whole result, or send it back; after the last return it stands as it is."""
    state, subtask = turn.state, turn.state.plan.find(action.subtask)
    wanted = state.lineup.constraints.quality
    good = wanted is None or review.score is None or review.score >= wanted
    said = f"{action.subtask or 'The result'} is {'accepted' if review.accepted and good else 'sent back'}."
    turn.say("response", f"{said} {review.reason}".strip(), action.participant, about=action.subtask)
    returns = subtask.returns if subtask else state.result_returns
    ends = (review.accepted and good) or returns >= state.lineup.limits.returns
    turn.count(rounds=state.counts.rounds + (not ends))
    reason = review.reason or "It is not good enough."
    if subtask is None:
        turn.set(result_score=review.score, result_returns=returns + (not ends))
        if ends:
            complete(turn)
        else:
            assemble(turn, reason)
    elif ends:
        sent_back = counted(returns, "return")
        remark = "" if review.accepted and good else f"Accepted with reservations after {sent_back}."
        _accept(turn, replace(subtask, score=review.score), remark)
    else:
        again = replace(restarted(subtask), score=review.score, returns=returns + 1, remark=reason)
        turn.put(again)
        go_on(turn)


def miss_review(turn: Turn, action: Action) -> None:
    """Accept what nobody reviewed."""
    if action.subtask:
        _accept(turn, turn.state.plan.named(action.subtask), "Accepted without review: none came.")
    else:
        complete(turn)


def _accept(turn: Turn, subtask: Subtask, remark: str = "") -> None:
    """Let a result count."""
    turn.put(replace(subtask, status=SubtaskStatus.ACCEPTED, chain=(), remark=remark))
    if remark:
        turn.say("status_update", f"{subtask.id}: {remark}", about=subtask.id)
    go_on(turn)


def assemble(turn: Turn, sent_back: str = "") -> None:
    """Have the result put together. `sent_back` is why an earlier one was."""
    accepted = turn.state.plan.accepted
    if not accepted:
        fail(turn, "no_result", "No subtask gave a result.")
        return
    if turn.state.phase is Phase.EXECUTING:
        turn.enter(Phase.REVIEWING)
    if len(accepted) > 1:
        turn.ask(ActionKind.ASSEMBLE, turn.state.leader.id, request=sent_back)
    else:
        turn.set(result=accepted[0].result, assembled_by=accepted[0].author)
        complete(turn)


def take_assembly(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take the assembled result, and have it reviewed by somebody else."""
    turn.set(result=answer.text, assembled_by=action.participant)
    turn.say("result", answer.text, action.participant)
    reviewer = _choose_reviewer(turn.state, action.participant)
    if reviewer is None:
        complete(turn)
    else:
        turn.ask(ActionKind.REVIEW, reviewer.id)


def miss_assembly(turn: Turn, _: Action) -> None:
    """Make the accepted results the result, one after the other."""
    turn.say("status_update", "Nobody put the results together: they follow each other.")
    turn.set(result=joined(turn.state.plan), assembled_by="")
    complete(turn)


def reopen(turn: Turn) -> None:
    """Go back from reviewing to executing, where the plan has changed: the result will be made again."""
    turn.withdraw(lambda each: not each.subtask and each.kind in {ActionKind.ASSEMBLE, ActionKind.REVIEW})
    turn.set(result="", assembled_by="", result_returns=0, result_score=None)
    turn.enter(Phase.EXECUTING)


def joined(plan: Plan) -> str:
    """Return the accepted results one after the other, each under its title; a single one as it is."""
    parts = [f"## {each.title}\n\n{each.result}" for each in plan.accepted]
    return "\n\n".join(parts) if len(parts) > 1 else plan.accepted[0].result


def complete(turn: Turn, caveat: str = "", words: str = "") -> None:
    """End the session with its result. `caveat` and `words` say what stopped it, if something did."""
    state, quality = turn.state, rated(turn.state)
    failed = [each.id for each in state.plan.subtasks if each.status is SubtaskStatus.FAILED]
    wanted = state.lineup.constraints.quality
    if not caveat and wanted is not None and quality < wanted:
        caveat, words = "below_quality", f"The quality is {quality:.2f}, {wanted:.2f} is required."
    if not caveat and failed:
        caveat, words = "incomplete", f"Nobody could do {', '.join(failed)}: the result is without."
    words = words or "The session has a result."
    members = [each for each in state.members.values() if each.status != "bench"]
    people = [each.participant.id for each in members if not each.participant.is_observer]
    shares = contributions(people, state.plan.accepted, state.result, state.assembled_by)
    turn.withdraw(lambda _: True)
    turn.set(
        ending=SessionEnding(
            words=words, caveat=caveat, quality=quality, consensus=state.consensus, contributions=shares
        )
    )
    reason = f"{words} Its quality is estimated as {quality:.2f}."
    turn.decide("quality", "Is the result good enough?", caveat or "accepted", reason)
    turn.say("status_update", words, pinned=True)
    turn.enter(Phase.COMPLETED)


def rated(state: SessionState) -> float:
    """Return the probability that the result is acceptable: from checks of its text, and all reviews."""
    scores = [*(each.score for each in state.plan.accepted), state.result_score]
    ratings = [
        JudgeRating(judge="A review", scores=dict.fromkeys(Dimension, each))
        for each in scores
        if each is not None
    ]
    return combine(examine(ExaminedAnswer(question=state.task, text=state.result)), ratings).overall


def fail(turn: Turn, code: str, words: str) -> None:
    """End the session without a result."""
    turn.withdraw(lambda _: True)
    turn.say("error", words, pinned=True)
    turn.set(ending=SessionEnding(words=words, caveat=code, consensus=turn.state.consensus))
    turn.enter(Phase.FAILED)


def stop(turn: Turn, code: str, words: str) -> None:
    """End the session with what has been accepted so far; without anything it fails."""
    if not turn.state.plan.accepted:
        fail(turn, code, words)
        return
    turn.set(result=turn.state.result or joined(turn.state.plan))
    complete(turn, code, words)
