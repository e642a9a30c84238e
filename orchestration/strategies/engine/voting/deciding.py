"""The vote of one run: the ballots that answers are, early stops, and what a judge or a person decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import FinishReason, Json, Prompt
from orchestration.runs.engine.records import step_key
from orchestration.runs.engine.types import Decision, Question, RunEvent
from orchestration.strategies.engine.asking import read_candidate
from orchestration.strategies.engine.belief.model import Posterior
from orchestration.strategies.engine.belief.reading import ReadAnswer
from orchestration.strategies.engine.consensus.ballots import RuleName, Tally, TallyVerdict, TieRule
from orchestration.strategies.engine.consensus.tallying import NOT_SHARED, break_tie, tally
from orchestration.strategies.engine.deciding import overall
from orchestration.strategies.engine.errors import QuorumMissed, VoteUndecided
from orchestration.strategies.engine.quality.judging import ask_judge
from orchestration.strategies.engine.quality.scoring import JudgeRating
from orchestration.strategies.engine.rounds import EarlyStopReason, Reply, Round, Stop
from orchestration.strategies.engine.running import StrategyRun
from orchestration.strategies.engine.types import Candidate, Consensus, StrategyEvent, is_usable, listed
from orchestration.strategies.engine.voting.counting import (
    CUT_SHORT,
    UNREADABLE,
    Cast,
    Contender,
    Count,
    count,
)
from orchestration.strategies.engine.voting.options import BallotKind, StopMode, VotingOptions, parse_weights

ONLY_ONE = "There was only one to choose from."
DIGITS = 9
"""Decimals of a probability: answers that are equally likely tie."""


def cast_answer(candidate: Candidate, question: str) -> Cast:
    """Return the ballot that an answer is; one that nothing can be read in abstains."""
    if candidate.state != "answered":
        return Cast.none(candidate.model, candidate.error)
    read = read_candidate(candidate, question) if is_usable(candidate) else None
    if read is None or read.answer is None:
        unusable = candidate.quality.evidence[0] if candidate.quality and not candidate.quality.usable else ""
        cut_short = unusable and candidate.finish is FinishReason.LENGTH
        return Cast.none(candidate.model, CUT_SHORT if cut_short else unusable or UNREADABLE)
    return Cast(
        voter=candidate.model,
        answer=read.answer,
        confidence=overall(candidate),
        hedging=read.hedging,
        length=read.length,
    )


@dataclass(kw_only=True, slots=True)
class Vote(StrategyRun):
    """One run's vote: the ballots so far, by voter, and the `candidates` that answered, in panel order.

    `written` is what has been written for the ballots so far, `stops` are the early ends of the rounds.
    `is_auto` is True where the answers decided the kind of ballot.
    """

    options: VotingOptions
    casts: dict[str, Cast] = field(default_factory=dict)
    written: list[Candidate] = field(default_factory=list)
    candidates: Sequence[Candidate] = ()
    stops: list[Stop] = field(default_factory=list)
    is_auto: bool = False

    def count(self) -> Count:
        """Return the count of the ballots so far."""
        right, final = self._likelihoods() if self.options.rule is RuleName.BELIEF else ({}, False)
        return count(self.options, self.panel.names, self.casts.values(), right, final=final)

    def believed(self) -> tuple[Sequence[ReadAnswer], Posterior]:
        """Return the answers that are votes, and what is believed of them."""
        read = [
            ReadAnswer(model=cast.voter, answer=cast.answer, hedging=cast.hedging, length=cast.length)
            for cast in self.casts.values()
            if cast.answer is not None
        ]
        return read, self.panel.belief.after(self.question, read)

    def _likelihoods(self) -> tuple[Mapping[str, float], bool]:
        """Return the probability that each voter's answer is right, and whether the likeliest stays it.

        Where no two can be compared each is believed alone; else one that cannot be compared is not.
        """
        read, posterior = self.believed()
        belief, question, right = self.panel.belief, self.question, {}
        for place, answer in enumerate(read):
            alone = 0.0 if posterior.groups else belief.after(question, [answer]).best.right
            group = posterior.of(place)
            right[answer.model] = round(alone if group is None else group.right, DIGITS)
        left = [name for name in self.panel.names if name not in self.casts]
        return right, belief.is_final(question, read, left)

    async def emit_ballot(self, cast: Cast) -> None:
        """Emit a ballot as it is cast; its step tells it from that of another vote in the same run."""
        weight = parse_weights(self.options.weights, self.panel.names).get(cast.voter, 1.0)
        data = asdict(cast) | {"ballot": self.options.ballot.value, "weight": weight}
        step = f"ballot/{cast.voter}"
        await self.context.emit(RunEvent(kind=StrategyEvent.BALLOT_CAST, step=step, data=data))

    def reason_to_stop(
        self, asked: Round[Reply], counted: Count, prompt: Prompt, likely: str, others: str = "the others"
    ) -> Stop | None:
        """Return the stop of a round where no other model need vote, None when the others should.

        `prompt` is what the others would be sent; `likely` is why that is not worth it though they could
        change the winner.
        """
        if self.options.stop is StopMode.OFF:
            return None
        reason, because = EarlyStopReason.LIKELY, likely
        if counted.is_settled():
            winner = counted.tally().winner
            result = f"“{winner}” wins" if winner is not None else "there is no winner"
            reason, because = EarlyStopReason.SETTLED, f"Settled: {result} whatever {others} say."
        if not because:
            return None
        return asked.early_stop(reason, because, prompt=prompt, answers=self.written)


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteResult:
    """The result of a vote: the count, its tally, and notes."""

    count: Count
    tally: Tally
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


async def decide_vote(vote: Vote) -> VoteResult:
    """Count, have decided what the ballots leave open, by the judge or a person, and emit the result."""
    counted = vote.count()
    tallied = counted.tally()
    if tallied.verdict is TallyVerdict.NO_JUDGEMENT:
        judged = await ask_for_choice(vote, vote.options.judge or "", counted.contenders)
        await vote.emit_ballot(judged)
        vote.casts[judged.voter] = judged
        counted = vote.count()
        tallied = counted.tally()
    result = VoteResult(count=counted, tally=tallied)
    if tallied.tie:
        result = await _untied(vote, result)
    dollars = [Decimal(stop.saved_usd) for stop in vote.stops if stop.saved_usd]
    data: dict[str, Json] = {
        **asdict(result.tally),
        "tie": None,
        "shares": result.decision.scores,
        "counting": len(counted.counting),
        "quorum": vote.options.quorum,
        "notes": [*result.notes, *(stop.sentence for stop in vote.stops)],
        "calls_saved": sum(stop.saved_calls for stop in vote.stops),
        "saved_usd": format(sum(dollars, Decimal(0)), "f") if dollars else "",
    }
    await vote.context.emit(RunEvent(kind=StrategyEvent.VOTE_TALLIED, step="tally", data=data))
    return result


async def _untied(vote: Vote, result: VoteResult) -> VoteResult:
    tied = [result.count.contender(name) for name in result.tally.tie]
    if result.count.election.tie is TieRule.HUMAN:
        options = listed([f"“{each.label}” ({listed(each.models)})" for each in tied])
        question = Question(
            text=f"The vote is tied between {options}. Which answer is to be chosen?",
            schema={"type": "string", "enum": [each.label for each in tied]},
        )
        choice, by, why_not = str(await vote.context.ask_human(question, "tie")), "a person", ""
    else:
        by = vote.options.judge or ""
        judged = await ask_for_choice(vote, by, tied)
        choice, why_not = judged.choice or "", judged.reason
    if choice in result.tally.tie:
        broken = break_tie(result.tally, result.count.election, result.count.ballots, choice=choice, by=by)
        return replace(result, tally=broken)
    election = replace(result.count.election, tie=TieRule.ORDER)
    note = f"The tie was left to the order of the panel. {by} made no choice. {why_not}".strip()
    return replace(result, tally=tally(election, result.count.ballots), notes=(note,))


def no_winner_error(vote: Vote, result: VoteResult) -> EngineError:
    """Return the error of a vote without a winner: the reason, who abstained, what would help."""
    limits = [stop.because for stop in vote.stops if stop.limit]
    silent = [ballot for ballot in result.count.ballots if ballot.abstained]
    abstentions = [f"{ballot.voter} abstained: {ballot.reason}" for ballot in silent]
    words = [each if each.endswith((".", "!", "?")) else f"{each}." for each in abstentions]
    words = [result.tally.reason, *limits, *words]
    if result.tally.verdict is TallyVerdict.NO_QUORUM:
        return QuorumMissed(" ".join([*words, _ADVICE[vote.options.ballot, vote.is_auto]]))
    advice = "Choose the plurality rule, or ask more models."
    if result.tally.verdict is TallyVerdict.NO_JUDGEMENT:
        advice = "Name another judge, or choose a rule that needs none."
    return VoteUndecided(" ".join([*words, advice]))


_ADVICE = {
    (BallotKind.ANSWERS, False): (
        "Ask for a short final answer on a line of its own, lower the quorum, or vote by review."
    ),
    (BallotKind.REVIEW, False): "Lower the quorum, add models, or let the answers themselves be the votes.",
    (BallotKind.ANSWERS, True): "Add models that can answer, lower the quorum, or ask by another method.",
    (BallotKind.REVIEW, True): (
        "Add models that can review, lower the quorum, or ask by parallel, which takes the best answer"
        " without a vote."
    ),
}
"""What helps where too few ballots count, by their kind and whether the answers decided it."""


def representative(contender: Contender, candidates: Sequence[Candidate]) -> Candidate:
    """Return the best of the answers that say what `contender` shows. Raises `AssertionError` for none."""
    behind = [candidate for candidate in candidates if candidate.model in contender.spoken_by]
    if not behind:
        raise AssertionError(f"No answer says what won: {contender.label}")
    return max(behind, key=overall)


async def ask_for_choice(vote: Vote, judge: str, contenders: Sequence[Contender]) -> Cast:
    """Have `judge` score one answer of each contender by the rubric, blind and in both orders.

    It chooses the highest score; of equal ones that with most voters, else the first.
    """
    if len(contenders) == 1:
        return Cast(voter=judge, choice=contenders[0].label, reason=ONLY_ONE)
    await vote.timer.begin("judging")
    shown = {each.label: representative(each, vote.candidates) for each in contenders}
    with vote.timer.step(step_key("judge", judge), judge):
        report = await ask_judge(vote.panel.named(judge), vote.request, [*shown.values()], vote.context)
    said = {name: report[each.step] for name, each in shown.items()}
    ratings = {name: each for name, each in said.items() if isinstance(each, JudgeRating)}
    if not ratings:
        return Cast.none(judge, str(next(iter(said.values()))))
    scores = {name: rating.judgement.score for name, rating in ratings.items()}
    equals = [each for each in contenders if scores.get(each.label) == max(scores.values())]
    chosen = max(equals, key=lambda each: len(each.models)).label
    alike = f"It scored {listed([f'“{each.label}”' for each in equals])} alike." if equals[1:] else ""
    reason = " ".join(filter(None, [ratings[chosen].reason, ratings[chosen].remark, alike]))
    return Cast(voter=judge, choice=chosen, confidence=ratings[chosen].confidence, reason=reason)
