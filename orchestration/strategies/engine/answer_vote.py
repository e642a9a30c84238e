"""A vote in which final answers are the ballots, for strategies that come to answers in their own way."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.strategies.engine.consensus.ballots import RuleName, TieRule
from orchestration.strategies.engine.deciding import Selection, overall, select_best
from orchestration.strategies.engine.running import StrategyRun
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, StrategyOutcome, counted, is_usable
from orchestration.strategies.engine.voting.answering import Ballots, Vote
from orchestration.strategies.engine.voting.counting import Cast, Contender, countable
from orchestration.strategies.engine.voting.deciding import decide_vote, emit_result
from orchestration.strategies.engine.voting.options import BallotKind, VotingOptions
from orchestration.strategies.engine.voting.strategy import VotingRun

PLURALITY = VotingOptions(ballot=BallotKind.ANSWERS, rule=RuleName.PLURALITY, tie=TieRule.CONFIDENCE)
"""The most voters win; of equals those whose answers are better by the built-in checks."""
FEWEST_COUNTED = 2


def answer_vote(run: StrategyRun, panel: Panel) -> Vote:
    """Return the vote of a panel by plurality of the final answers of a run."""
    return VotingRun(request=run.request, options=PLURALITY, panel=panel, timer=run.timer, scorer=run.scorer)


def can_be_counted(casts: Sequence[Cast], candidates: Sequence[Candidate]) -> bool:
    """Return whether more than half of the usable answers can be compared."""
    return countable(casts, sum(map(is_usable, candidates)), PLURALITY.quorum)


async def conclude_by_vote(
    run: StrategyRun,
    vote: Vote,
    casts: Sequence[Cast],
    scored: Sequence[Candidate],
    voters: Sequence[Candidate],
) -> StrategyOutcome:
    """Return the outcome of a vote, which is emitted; where it cannot be counted, that of the best answer.

    `voters` are the scored candidates, under the names of the voters.
    """
    if sum(map(is_usable, voters)) < FEWEST_COUNTED or not can_be_counted(casts, voters):
        return await run.conclude(select_best(scored), scored)
    for cast in casts:
        await vote.emit_ballot(cast)
    stops = () if run.stop is None else (run.stop,)
    ballots = Ballots(candidates=tuple(voters), casts=tuple(casts), stops=stops)
    result = await decide_vote(vote, ballots)
    await emit_result(vote, ballots, result)
    await run.decide(result.decision, "vote")
    run.notes += result.notes
    selection = _selection(result.count.contender(result.tally.winner or ""), voters)
    return await run.conclude(selection, scored, consensus=result.consensus)


def _selection(winner: Contender, voters: Sequence[Candidate]) -> Selection:
    """Return the best worded of the answers that won, and why it was chosen."""
    chosen = max((each for each in voters if each.model in winner.spoken_by), key=_standing)
    reason = f"{chosen.model} gave the answer that won the vote."
    if len(winner.models) > 1:
        alike = counted(len(winner.models), "answer")
        reason = f"{chosen.model} gave the best worded of the {alike} that won the vote."
    return Selection(step=chosen.step, reason=reason)


def _standing(candidate: Candidate) -> tuple[bool, float]:
    """Return by what one of equal answers is chosen: that something speaks for it, and how much."""
    return candidate.quality is not None and candidate.quality.judged, overall(candidate)
