"""From ballots to the result of the vote, with what a judge or a person decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import step_key
from orchestration.runs.engine.types import Decision, Question, RunEvent
from orchestration.strategies.engine.asking import begin_phase
from orchestration.strategies.engine.consensus.ballots import RuleName, Tally, TallyVerdict, TieRule
from orchestration.strategies.engine.consensus.tallying import NOT_SHARED, break_tie, tally
from orchestration.strategies.engine.deciding import overall
from orchestration.strategies.engine.errors import QuorumMissed, VoteUndecided
from orchestration.strategies.engine.quality.judging import ask_judge
from orchestration.strategies.engine.quality.rubrics import frozen_rubric
from orchestration.strategies.engine.types import Candidate, Consensus, StrategyEvent, listed
from orchestration.strategies.engine.voting.answering import Ballots, Vote
from orchestration.strategies.engine.voting.counting import Cast, Contender, Count
from orchestration.strategies.engine.voting.options import BallotKind

ONLY_ONE = "There was only one to choose from."


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteResult:
    """The result of a vote: the count, its tally, all ballots, and notes."""

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
    """Return each option's score from 0 to 1: its share of what was given, mean points or probability."""
    if result.rule in NOT_SHARED:
        return result.scores
    whole = counting if result.rule is RuleName.APPROVAL else sum(result.scores.values())
    return {option: score / whole if whole else 0.0 for option, score in result.scores.items()}


async def decide_vote(vote: Vote, ballots: Ballots) -> VoteResult:
    """Count, and ask the judge or the person that has to decide what the ballots leave open."""
    counted = vote.count(ballots.casts)
    tallied = counted.tally()
    if tallied.verdict is TallyVerdict.NO_JUDGEMENT:
        judged = await ask_for_choice(vote, vote.options.judge or "", counted.contenders, ballots.candidates)
        await vote.emit_ballot(judged)
        casts = (*ballots.casts, judged)
        counted = vote.count(casts)
        return VoteResult(count=counted, tally=counted.tally(), casts=casts)
    result = VoteResult(count=counted, tally=tallied, casts=ballots.casts)
    return await _untied(vote, ballots, result) if tallied.tie else result


async def _untied(vote: Vote, ballots: Ballots, result: VoteResult) -> VoteResult:
    tied = [result.count.contender(name) for name in result.tally.tie]
    if result.count.election.tie is TieRule.HUMAN:
        choice, by, why_not = await ask_person(vote, tied), "a person", ""
    else:
        by = vote.options.judge or ""
        judged = await ask_for_choice(vote, by, tied, ballots.candidates)
        choice, why_not = judged.choice or "", judged.reason
    if choice in result.tally.tie:
        broken = break_tie(result.tally, result.count.election, result.count.ballots, choice=choice, by=by)
        return replace(result, tally=broken)
    election = replace(result.count.election, tie=TieRule.ORDER)
    note = f"The tie was left to the order of the panel. {by} made no choice. {why_not}".strip()
    return replace(result, tally=tally(election, result.count.ballots), notes=(note,))


async def emit_result(vote: Vote, ballots: Ballots, result: VoteResult) -> None:
    """Emit the result of the vote."""
    dollars = [Decimal(stop.saved_usd) for stop in ballots.stops if stop.saved_usd]
    data: dict[str, Json] = {
        **asdict(result.tally),
        "tie": None,
        "shares": shares(result.tally, len(result.count.counting)),
        "counting": len(result.count.counting),
        "quorum": result.count.election.quorum,
        "notes": [*result.notes, *(stop.sentence for stop in ballots.stops)],
        "calls_saved": sum(stop.saved_calls for stop in ballots.stops),
        "saved_usd": format(sum(dollars, Decimal(0)), "f") if dollars else "",
    }
    await vote.context.emit(RunEvent(kind=StrategyEvent.VOTE_TALLIED, step="tally", data=data))


def no_winner_error(vote: Vote, ballots: Ballots, result: VoteResult) -> EngineError:
    """Return the error of a vote without a winner: the reason, who abstained, what would help."""
    limits = [stop.because for stop in ballots.stops if stop.limit]
    abstentions = [
        f"{cast.voter} abstained: {_sentence(cast.reason)}" for cast in result.casts if cast.abstained
    ]
    words = [result.tally.reason, *limits, *abstentions]
    if result.tally.verdict is TallyVerdict.NO_QUORUM:
        return QuorumMissed(" ".join([*words, _advice(vote, ballots)]))
    advice = "Choose the plurality rule, or ask more models."
    if result.tally.verdict is TallyVerdict.NO_JUDGEMENT:
        advice = "Name another judge, or choose a rule that needs none."
    return VoteUndecided(" ".join([*words, advice]))


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _advice(vote: Vote, ballots: Ballots) -> str:
    if ballots.chosen is not None:
        return _ADVICE_BY_BALLOT[vote.options.ballot]
    if vote.options.ballot is BallotKind.ANSWERS:
        return "Ask for a short final answer on a line of its own, lower the quorum, or vote by review."
    return "Lower the quorum, add models, or let the answers themselves be the votes."


_ADVICE_BY_BALLOT = {
    BallotKind.ANSWERS: "Add models that can answer, lower the quorum, or ask by another method.",
    BallotKind.REVIEW: (
        "Add models that can review, lower the quorum, or ask by parallel, which takes the best answer"
        " without a vote."
    ),
}


def representative(contender: Contender, candidates: Sequence[Candidate]) -> Candidate:
    """Return the best answer that is what `contender` shows, the first on the panel where several are.

    Raises `AssertionError` where nobody's is: no other text may stand for it.
    """
    behind = [candidate for candidate in candidates if candidate.model in contender.spoken_by]
    if not behind:
        raise AssertionError(f"No answer says what won: {contender.label}")
    return max(behind, key=overall)


async def ask_for_choice(
    vote: Vote, judge: str, contenders: Sequence[Contender], candidates: Sequence[Candidate]
) -> Cast:
    """Have `judge` score one answer of each contender by the rubric, blind and in both orders.

    It chooses the highest score; of equal ones that with most voters, else the first.
    """
    if len(contenders) == 1:
        return Cast(voter=judge, choice=contenders[0].label, reason=ONLY_ONE)
    await begin_phase(vote.context, "judging")
    shown = {each.label: representative(each, candidates) for each in contenders}
    model, rubric = vote.panel.named(judge), frozen_rubric(vote.request.rubric)
    with vote.timer.step(step_key("judge", judge), judge):
        report = await ask_judge(model, vote.request, [*shown.values()], vote.context, rubric)
    ratings = {name: report.ratings[each.step] for name, each in shown.items() if each.step in report.ratings}
    if not ratings:
        return Cast.none(judge, next(iter(report.remarks.values())))
    scores = {name: rating.judgement.score for name, rating in ratings.items()}
    equals = [each for each in contenders if scores.get(each.label) == max(scores.values())]
    chosen = max(equals, key=lambda each: len(each.models)).label
    alike = f"It scored {listed([f'“{each.label}”' for each in equals])} alike." if equals[1:] else ""
    reason = " ".join(filter(None, [ratings[chosen].reason, ratings[chosen].remark, alike]))
    return Cast(voter=judge, choice=chosen, confidence=ratings[chosen].confidence, reason=reason)


async def ask_person(vote: Vote, contenders: Sequence[Contender]) -> str:
    """Have a person choose among tied `contenders`; the run waits. Return what was answered."""
    tied = listed([f"“{each.label}” ({listed(each.models)})" for each in contenders])
    question = Question(
        text=f"The vote is tied between {tied}. Which answer is to be chosen?",
        schema={"type": "string", "enum": [each.label for each in contenders]},
    )
    return str(await vote.context.ask_human(question, "tie"))
