"""A vote in which final answers are the ballots, for strategies that come to answers in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.strategies.engine.asking import StepTimer, announce, final_answer
from orchestration.strategies.engine.consensus.ballots import RuleName, TieRule
from orchestration.strategies.engine.deciding import Selection, overall
from orchestration.strategies.engine.stopping import Stop
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Request, counted, is_usable
from orchestration.strategies.engine.voting.answering import Ballots, Vote
from orchestration.strategies.engine.voting.counting import UNREADABLE, Cast, countable
from orchestration.strategies.engine.voting.deciding import (
    VoteResult,
    decide_vote,
    emit_result,
)
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions

PLURALITY = VotingOptions(ballot=BallotKind.ANSWERS, rule=RuleName.PLURALITY, tie=TieRule.CONFIDENCE)
"""The most voters win; of equals those whose answers are better by the built-in checks."""


def answer_vote(request: Request, panel: Panel, timer: StepTimer) -> Vote:
    """Return the vote of a panel by plurality of final answers."""
    return Vote(request=request, options=PLURALITY, panel=panel, timer=timer)


def cast_answer(candidate: Candidate, question: str) -> Cast:
    """Return the ballot that an answer is; one that nothing can be read in abstains."""
    if candidate.state != "answered":
        return Cast.none(candidate.model, candidate.error)
    if not is_usable(candidate) and candidate.quality is not None:
        return Cast.none(candidate.model, candidate.quality.evidence[0])
    answer = final_answer(candidate, question)
    if answer is None:
        return Cast.none(candidate.model, UNREADABLE)
    return Cast(voter=candidate.model, answer=answer, confidence=overall(candidate))


def can_be_counted(casts: Sequence[Cast], candidates: Sequence[Candidate]) -> bool:
    """Return whether more than half of the usable answers can be compared."""
    return countable(casts, sum(map(is_usable, candidates)), PLURALITY.quorum)


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedAnswers:
    """The result of a vote, and the candidate whose text is given for the winner."""

    result: VoteResult
    chosen: Candidate

    @property
    def selection(self) -> Selection:
        """The choice of that candidate, and why it was chosen."""
        behind = self.result.count.contender(self.result.tally.winner or "").models
        reason = f"{self.chosen.model} gave the answer that won the vote."
        if len(behind) > 1:
            alike = counted(len(behind), "answer")
            reason = f"{self.chosen.model} gave the best worded of the {alike} that won the vote."
        return Selection(step=self.chosen.step, reason=reason)


async def count_answers(
    vote: Vote, casts: Sequence[Cast], candidates: Sequence[Candidate], stop: Stop | None = None
) -> CountedAnswers:
    """Count ballots that `can_be_counted`, and emit them and the result.

    `stop` is what ended the asking early; `candidates` are scored and have the names of the voters.
    """
    for cast in casts:
        await vote.emit_ballot(cast)
    ballots = Ballots(
        kind=BallotKind.ANSWERS,
        candidates=tuple(candidates),
        casts=tuple(casts),
        stops=() if stop is None else (stop,),
    )
    result = await decide_vote(vote, ballots)
    await emit_result(vote, ballots, result)
    await announce(vote.context, result.decision, "vote")
    winner = result.count.contender(result.tally.winner or "")
    behind = [each for each in candidates if each.model in winner.spoken_by]
    return CountedAnswers(result=result, chosen=max(behind, key=_standing))


def _standing(candidate: Candidate) -> tuple[bool, float]:
    """Return by what one of equal answers is chosen: that something speaks for it, and how much."""
    return candidate.quality is not None and candidate.quality.judged, overall(candidate)
