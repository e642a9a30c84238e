"""The voting strategy: ballots, a count, an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from orchestration.engine.consensus.ballots import RuleName, TallyVerdict
from orchestration.engine.context import RunContext
from orchestration.engine.errors import QualityTooLow
from orchestration.engine.groups import single_error
from orchestration.engine.strategies.asking import Trail
from orchestration.engine.strategies.deciding import (
    Choice,
    announce,
    best_of,
    nobody_answered,
    overall,
    settle,
)
from orchestration.engine.strategies.effort import Effort
from orchestration.engine.strategies.learning import TrainingExample
from orchestration.engine.strategies.options import InvalidOptions, StrategyOptions, parse_options
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.voting.answering import checks, vote_with_answers
from orchestration.engine.strategies.voting.ballots import Ballots, Vote
from orchestration.engine.strategies.voting.checking import faults
from orchestration.engine.strategies.voting.deciding import Result, decide_vote, no_winner, tell_result
from orchestration.engine.strategies.voting.effort import effort_of
from orchestration.engine.strategies.voting.fitting import vote_as_fits
from orchestration.engine.strategies.voting.judging import spokesman
from orchestration.engine.strategies.voting.learning import learned_weights
from orchestration.engine.strategies.voting.options import BallotKind, VotingOptions
from orchestration.engine.strategies.voting.reviewing import vote_by_review
from orchestration.engine.strategies.voting.weights import weights_text
from orchestration.engine.types import Candidate, Json, ModelSpec, Outcome, Request

BALLOTS: Mapping[BallotKind, Callable[[Vote], Awaitable[Ballots]]] = {
    BallotKind.AUTO: vote_as_fits,
    BallotKind.ANSWERS: vote_with_answers,
    BallotKind.REVIEW: vote_by_review,
}


WITHOUT_A_VOTE = (
    "No review of the others' answers came about, so nothing was voted on: this is the answer of the highest"
    " estimated quality."
)


class Voting:
    """Let the panel vote on the best answer."""

    name: ClassVar[str] = "voting"
    title: ClassVar[str] = "Voting"
    summary: ClassVar[str] = (
        "Asks all models and lets them vote: equal final answers count together; where answers are long, each"
        " model ranks the others' blind. Says how far they agree and who dissents."
    )
    in_turn: ClassVar[bool] = False
    Options: ClassVar[type[StrategyOptions]] = VotingOptions

    def check(self, options: StrategyOptions, panel: Sequence[str]) -> None:
        """Hold the options against the panel. Raises `InvalidOptions`."""
        found = tuple(faults(parse_options(VotingOptions, options.model_dump()), panel))
        if found:
            raise InvalidOptions(found)

    def learn(
        self, examples: Sequence[TrainingExample], panel: Sequence[ModelSpec], options: StrategyOptions
    ) -> Mapping[str, Json]:
        """Return weights for the weighted rule; nothing else is learned."""
        if parse_options(VotingOptions, options.model_dump()).rule is not RuleName.WEIGHTED:
            return {}
        weights = learned_weights(examples, [spec.name for spec in panel])
        return {"weights": weights_text(weights)} if weights else {}

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how many models a vote asks: reviews are a second call of each."""
        return effort_of(parse_options(VotingOptions, options.model_dump()), panel)

    async def run(self, request: Request, panel: Panel, context: RunContext) -> Outcome:
        """Answer `request` with what the vote decides.

        Raises `QuorumMissed`, `VoteUndecided`, beside what every strategy may raise.
        """
        options = parse_options(VotingOptions, request.options)
        self.check(options, [model.spec.name for model in panel.members])
        options = options.fitted_to_rule()
        vote = Vote(request=request, options=options, panel=panel, trail=Trail(context))
        with single_error():
            ballots = await BALLOTS[options.ballot](vote)
            return await _conclude(vote.with_ballot(ballots.kind), ballots)


async def _conclude(vote: Vote, ballots: Ballots) -> Outcome:
    for stop in ballots.stops:
        await announce(vote.context, stop.decision, "stop")
    if not ballots.answered():
        limit = next((stop.error for stop in ballots.stops if stop.error), None)
        raise nobody_answered(ballots.candidates, limit)
    result = await decide_vote(vote, ballots)
    await tell_result(vote, ballots, result)
    is_won = result.tally.winner is not None
    if not is_won and not _is_left_open(vote, ballots, result):
        raise no_winner(vote, ballots, result)
    if is_won:
        await announce(vote.context, result.decision, "vote")
    candidates = await checks(vote).score(ballots.candidates, "checks")
    choice = _choice(result, ballots.candidates) if is_won else best_of(candidates)
    with vote.trail.step("select"):
        chosen, selection = await settle(vote.context, choice, candidates)
    _require_quality(vote.request, chosen)
    told = () if ballots.chosen is None else (ballots.chosen,)
    voted = (result.decision,) if is_won else ()
    return Outcome(
        answer=chosen.text,
        candidates=candidates,
        chosen=chosen.step,
        consensus=result.consensus if is_won else None,
        quality=chosen.quality,
        decisions=(*told, *(stop.decision for stop in ballots.stops), *voted, selection),
        path=vote.trail.in_order(),
        notes=(
            *(stop.sentence for stop in ballots.stops),
            *result.notes,
            *(() if is_won else (WITHOUT_A_VOTE,)),
        ),
    )


def _is_left_open(vote: Vote, ballots: Ballots, result: Result) -> bool:
    """Tell whether nobody's review can be read, although nobody insisted on a review or on a quorum.

    Models that can answer cannot always rank answers: then the best one is taken, and said to be no vote's.
    """
    nobody = result.tally.verdict is TallyVerdict.NO_QUORUM and not result.count.counting
    asked_for = vote.options.quorum > 1 or ballots.chosen is None
    return nobody and ballots.kind is BallotKind.REVIEW and not asked_for


def _choice(result: Result, candidates: Sequence[Candidate]) -> Choice:
    """Return whose words stand for the winner."""
    winner = result.count.contender(result.tally.winner or "")
    speaks = spokesman(winner, candidates)
    if len(winner.models) == 1:
        return Choice(step=speaks.step, reason=f"{speaks.model} gave the answer that won the vote.")
    reason = f"{speaks.model} is the first on the panel of the {len(winner.models)} whose answer won."
    return Choice(step=speaks.step, reason=reason)


def _require_quality(request: Request, chosen: Candidate) -> None:
    least = request.constraints.min_quality
    if least is not None and overall(chosen) < least:
        raise QualityTooLow(
            f"The answer that won the vote, from {chosen.model}, reaches an estimated quality of"
            f" {overall(chosen):.2f}; {least:.2f} was asked for. Add stronger models, or ask for less."
        )


STRATEGY = Voting()
