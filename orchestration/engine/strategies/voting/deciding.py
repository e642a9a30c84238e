"""From ballots to the result of the vote, with what a judge or a person adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from orchestration.engine.consensus.ballots import RuleName, TieRule
from orchestration.engine.consensus.tallying import Tally, Tie, Verdict, break_tie, tally
from orchestration.engine.errors import EngineError, QuorumMissed, VoteUndecided
from orchestration.engine.events import EventKind, RunEvent
from orchestration.engine.strategies.voting.ballots import Ballots, Vote
from orchestration.engine.strategies.voting.casting import Cast
from orchestration.engine.strategies.voting.counting import Count
from orchestration.engine.strategies.voting.judging import ask_judge, ask_person
from orchestration.engine.strategies.voting.options import BallotKind
from orchestration.engine.types import Consensus, Decision, Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A vote when all is said: the count, its tally, and what is to be told besides."""

    count: Count
    tally: Tally
    casts: tuple[Cast, ...]
    notes: tuple[str, ...] = ()

    @property
    def consensus(self) -> Consensus:
        """How far the voters agree with the winner."""
        return Consensus(
            agreement=self.tally.agreement,
            margin=self.tally.margin,
            dissenters=self.tally.dissenters,
            rule=self.tally.rule.value,
        )

    @property
    def decision(self) -> Decision:
        """The result as a decision."""
        return Decision(
            kind="vote",
            chosen=self.tally.winner or "",
            reason=self.tally.reason,
            options=tuple(self.tally.scores),
            scores=shares(self.tally, len(self.count.counting)),
        )


def shares(result: Tally, counting: int) -> Mapping[str, float]:
    """Return each option's score from 0 to 1: its share of what was given, under Borda its mean points."""
    if result.rule is RuleName.BORDA:
        return result.scores
    whole = counting if result.rule is RuleName.APPROVAL else sum(result.scores.values())
    return {option: score / whole if whole else 0.0 for option, score in result.scores.items()}


async def decide_vote(vote: Vote, ballots: Ballots) -> Result:
    """Count, and ask whoever has to decide what the ballots leave open."""
    standing = vote.count(ballots.casts)
    counted = standing.tally()
    if counted.verdict is Verdict.NO_JUDGEMENT:
        judged = await ask_judge(vote, vote.options.judge or "", standing.contenders, ballots.candidates)
        await vote.tell(judged)
        casts = (*ballots.casts, judged)
        standing = vote.count(casts)
        return Result(count=standing, tally=standing.tally(), casts=casts)
    result = Result(count=standing, tally=counted, casts=ballots.casts)
    return result if counted.tie is None else await _untied(vote, ballots, result, counted.tie)


async def _untied(vote: Vote, ballots: Ballots, result: Result, tie: Tie) -> Result:
    tied = [result.count.contender(name) for name in tie.options]
    if tie.needs is TieRule.HUMAN:
        choice, by, why_not = await ask_person(vote, tied), "a person", ""
    else:
        by = vote.options.judge or ""
        judged = await ask_judge(vote, by, tied, ballots.candidates)
        choice, why_not = judged.choice, judged.reason
    if choice in tie.options:
        broken = break_tie(result.tally, result.count.election, result.count.ballots, choice=choice, by=by)
        return replace(result, tally=broken)
    election = replace(result.count.election, tie=TieRule.ORDER)
    note = f"The tie was left to the order of the panel. {by} made no choice. {why_not}".strip()
    return replace(result, tally=tally(election, result.count.ballots), notes=(note,))


async def tell_result(vote: Vote, ballots: Ballots, result: Result) -> None:
    """Tell whoever watches how the vote came out."""
    dollars = [Decimal(stop.saved_usd) for stop in ballots.stops if stop.saved_usd]
    told: dict[str, Json] = {
        **asdict(result.tally),
        "tie": None,
        "shares": shares(result.tally, len(result.count.counting)),
        "counting": len(result.count.counting),
        "quorum": result.count.election.quorum,
        "notes": [*result.notes, *(stop.sentence for stop in ballots.stops)],
        "calls_saved": sum(stop.saved_calls for stop in ballots.stops),
        "saved_usd": format(sum(dollars, Decimal(0)), "f") if dollars else "",
    }
    await vote.context.emit(RunEvent(kind=EventKind.VOTE_TALLIED, data=told))


def no_winner(vote: Vote, ballots: Ballots, result: Result) -> EngineError:
    """Return what a vote without a winner fails with: why, who abstained, what would help."""
    limits = [stop.because for stop in ballots.stops if stop.limit]
    words = [result.tally.reason, *limits, *_abstentions(result.casts)]
    if result.tally.verdict is Verdict.NO_QUORUM:
        return QuorumMissed(" ".join([*words, _advice(vote, ballots)]))
    if result.tally.verdict is Verdict.NO_JUDGEMENT:
        return VoteUndecided(" ".join([*words, "Name another judge, or choose a rule that needs none."]))
    advice = "Choose the plurality rule, or ask more models."
    return VoteUndecided(" ".join([*words, advice]))


def _abstentions(casts: Sequence[Cast]) -> Sequence[str]:
    return [f"{cast.voter} abstained: {_sentence(cast.reason)}" for cast in casts if cast.abstained]


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _advice(vote: Vote, ballots: Ballots) -> str:
    if ballots.chosen is not None:
        return _ADVICE_AS_FITS[ballots.kind]
    if vote.options.ballot is BallotKind.ANSWERS:
        return "Ask for a short final answer on a line of its own, lower the quorum, or vote by review."
    return "Lower the quorum, add models, or let the answers themselves be the votes."


_ADVICE_AS_FITS = {
    BallotKind.ANSWERS: "Add models that can answer, lower the quorum, or ask by another method.",
    BallotKind.REVIEW: (
        "Add models that can review, lower the quorum, or ask by parallel, which takes the best answer"
        " without a vote."
    ),
}
