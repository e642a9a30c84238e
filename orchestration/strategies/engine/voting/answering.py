"""The vote of one run, and the answers ballot: each final answer of the panel is a vote for itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.llm.engine.types import FinishReason, Prompt
from orchestration.runs.engine.types import Decision, RunEvent
from orchestration.strategies.engine.asking import final_answer, read_candidate
from orchestration.strategies.engine.belief.model import Posterior
from orchestration.strategies.engine.belief.reading import ReadAnswer
from orchestration.strategies.engine.consensus.ballots import RuleName
from orchestration.strategies.engine.deciding import overall
from orchestration.strategies.engine.rounds import EarlyStopReason, Stop, StopRequest
from orchestration.strategies.engine.running import StrategyRun
from orchestration.strategies.engine.types import Candidate, StrategyEvent, is_usable
from orchestration.strategies.engine.voting.counting import (
    CUT_SHORT,
    UNREADABLE,
    Cast,
    Count,
    Likelihoods,
    count,
)
from orchestration.strategies.engine.voting.options import StopMode, VotingOptions, parse_weights

BY_MOST_VOTERS = frozenset({RuleName.BELIEF, RuleName.PLURALITY, RuleName.WEIGHTED})
DIGITS = 9
"""Decimals of a probability: answers that are equally likely tie."""
FEWEST_BELIEVED = 2
"""Answers below which the probability asked for must be reached: one more alone rarely outvotes one."""
LEAST_GAIN = 0.005
"""The expected gain in the probability of a right answer for which one more model is asked.

On recorded answers of five cheap models, in five folds, this and a probability of 0.97 leave out 46 % of the
calls and lose 0.2 points of accuracy (`python -m benchmarks.stopping`)."""


@dataclass(kw_only=True, slots=True)
class Vote(StrategyRun):
    """One run's vote: what is asked, of which models, with which options."""

    options: VotingOptions

    def count(self, casts: Iterable[Cast]) -> Count:
        """Return the count after `casts`."""
        said = list(casts)
        believed = self._likelihoods(said) if self.options.rule is RuleName.BELIEF else None
        return count(self.options, self.panel.names, said, believed)

    def believed(self, casts: Iterable[Cast]) -> tuple[Sequence[ReadAnswer], Posterior]:
        """Return the answers that are votes, and what is believed of them."""
        read = [
            ReadAnswer(model=cast.voter, answer=cast.answer, hedging=cast.hedging, length=cast.length)
            for cast in casts
            if cast.answer is not None
        ]
        return read, self.panel.belief.after(self.question, read)

    def _likelihoods(self, casts: Sequence[Cast]) -> Likelihoods:
        """Return the probability that each voter's answer is right, and whether the likeliest stays it.

        Where no two can be compared each is believed alone; else one that cannot be compared is not.
        """
        read, posterior = self.believed(casts)
        belief, question, right = self.panel.belief, self.question, {}
        for place, answer in enumerate(read):
            alone = 0.0 if posterior.groups else belief.after(question, [answer]).best.right
            group = posterior.of(place)
            right[answer.model] = round(alone if group is None else group.right, DIGITS)
        said = {cast.voter for cast in casts}
        left = [name for name in self.panel.names if name not in said]
        return Likelihoods(right=right, final=belief.is_final(question, read, left))

    async def emit_ballot(self, cast: Cast) -> None:
        """Emit a ballot as it is cast; its step tells it from that of another vote in the same run."""
        weight = parse_weights(self.options.weights, self.panel.names).get(cast.voter, 1.0)
        data = cast.to_json() | {"ballot": self.options.ballot.value, "weight": weight}
        step = f"ballot/{cast.voter}"
        await self.context.emit(RunEvent(kind=StrategyEvent.BALLOT_CAST, step=step, data=data))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballots:
    """The result of the rounds: all candidates in panel order, the ballots cast, the early stops.

    `chosen` is the decision for the kind of ballot where the answers decided it.
    """

    candidates: tuple[Candidate, ...]
    casts: tuple[Cast, ...]
    stops: tuple[Stop, ...] = ()
    chosen: Decision | None = None


def reason_to_stop(
    vote: Vote, counted: Count, *, prompt: Prompt, written: Sequence[Candidate], likely: str = ""
) -> StopRequest | None:
    """Return why no other model need vote, None when the others should.

    `prompt` and what has been `written` give what the calls that are left would have cost; `likely` is why
    they are not worth it though they could change the winner.
    """
    if vote.options.stop is StopMode.OFF:
        return None
    reason, because = EarlyStopReason.LIKELY, likely
    if counted.is_settled():
        winner = counted.tally().winner
        result = f"“{winner}” wins" if winner is not None else "there is no winner"
        reason, because = EarlyStopReason.SETTLED, f"Settled: {result} whatever the others say."
    if not because:
        return None
    why = f"Not asked. {because}"
    return StopRequest(reason=reason, because=because, why=why, prompt=prompt, answers=written)


def cast_answer(candidate: Candidate, question: str) -> Cast:
    """Return the ballot that an answer is; one that nothing can be read in abstains."""
    if candidate.state != "answered":
        return Cast.none(candidate.model, candidate.error)
    answer = final_answer(candidate, question) if is_usable(candidate) else None
    if answer is None:
        unusable = candidate.quality.evidence[0] if candidate.quality and not candidate.quality.usable else ""
        cut_short = unusable and candidate.finish is FinishReason.LENGTH
        return Cast.none(candidate.model, CUT_SHORT if cut_short else unusable or UNREADABLE)
    read = read_candidate(candidate, question)
    return Cast(
        voter=candidate.model,
        answer=answer,
        confidence=overall(candidate),
        hedging=read.hedging,
        length=read.length,
    )
