"""The end of a session: with a result, which is rated, or without one."""

from __future__ import annotations

from collaboration.engine.impact import contributions
from collaboration.engine.phases import Phase
from collaboration.engine.plan import Plan, SubtaskStatus
from collaboration.engine.state import SessionEnding, SessionState
from collaboration.engine.turn import Turn
from orchestration.strategies.engine.quality.checks import examine
from orchestration.strategies.engine.quality.scoring import Dimension, ExaminedAnswer, JudgeRating, combine


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
