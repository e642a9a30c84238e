"""The end of a session: the result is assembled from what was accepted, reviewed, and rated.

One accepted subtask is the result itself. More are put together by the leader; where that fails, they follow
each other.
"""

from __future__ import annotations

from collaboration.engine.answers import ActionKind, ParsedAnswer
from collaboration.engine.impact import contributions
from collaboration.engine.lineup import Participant
from collaboration.engine.phases import Phase
from collaboration.engine.plan import Plan, SubtaskStatus
from collaboration.engine.roles import ParticipantRole, Power
from collaboration.engine.state import Action, SessionEnding, SessionState
from collaboration.engine.turn import Turn
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.scoring import Dimension, ExaminedAnswer, JudgeRating, combine


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


def joined(plan: Plan) -> str:
    """Return the accepted results one after the other, each under its title; a single one as it is."""
    parts = [f"## {each.title}\n\n{each.result}" for each in plan.accepted]
    return "\n\n".join(parts) if len(parts) > 1 else plan.accepted[0].result


def miss_assembly(turn: Turn, _: Action) -> None:
    """Make the accepted results the result, one after the other."""
    turn.say("status_update", "Nobody put the results together: they follow each other.")
    turn.set(result=joined(turn.state.plan), assembled_by="")
    complete(turn)


def take_assembly(turn: Turn, action: Action, answer: ParsedAnswer) -> None:
    """Take the assembled result, and have it reviewed by somebody else."""
    turn.set(result=answer.text, assembled_by=action.participant)
    turn.say("result", answer.text, action.participant)
    reviewer = choose_reviewer(turn.state, action.participant)
    if reviewer is None:
        complete(turn)
    else:
        turn.ask(ActionKind.REVIEW, reviewer.id)


def choose_reviewer(state: SessionState, author: str) -> Participant | None:
    """Return who reviews what another made: a reviewer with little to review, else the leader."""
    able = [each for each in state.able(Power.REVIEW) if each.id != author]
    reviewers = [each for each in able if each.role is ParticipantRole.REVIEWER]
    waiting = [each.participant for each in state.asks(ActionKind.REVIEW)]
    return min(reviewers or able, key=lambda each: waiting.count(each.id), default=None)


def is_enough(state: SessionState, review: ParsedAnswer) -> bool:
    """Return whether work is accepted, with the quality that the session requires where a score was given."""
    wanted = state.lineup.constraints.quality
    return review.accepted and (wanted is None or review.score is None or review.score >= wanted)


def take_final_review(turn: Turn, action: Action, review: ParsedAnswer) -> None:
    """Take the review of the whole result: it is sent back at most so often, then it stands as it is."""
    state, accepted = turn.state, is_enough(turn.state, review)
    verdict = "accepted" if accepted else "sent back"
    turn.say("response", f"The result is {verdict}. {review.reason}".strip(), action.participant)
    turn.set(result_score=review.score)
    if accepted or state.result_returns >= state.lineup.limits.returns:
        complete(turn)
        return
    turn.set(result_returns=state.result_returns + 1)
    turn.count(rounds=state.counts.rounds + 1)
    assemble(turn, review.reason or "It is not good enough.")


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


def reopen(turn: Turn) -> None:
    """Go back from reviewing to executing, where the plan has changed: the result will be made again."""
    turn.withdraw(lambda each: not each.subtask and each.kind in {ActionKind.ASSEMBLE, ActionKind.REVIEW})
    turn.set(result="", assembled_by="", result_returns=0, result_score=None)
    turn.enter(Phase.EXECUTING)
