"""Self-consistency: models answer the same question several times, and the most frequent answer wins.

After Wang and others, Self-Consistency Improves Chain of Thought Reasoning in Language Models (arXiv
2203.11171). Sampling ends early as in Aggarwal, Madaan, Yang and Mausam, Let's Sample Step by Step:
Adaptive-Consistency (arXiv 2305.11860): once no sample to come can change the winner, or once it stays ahead
of the second with a given probability under a Beta posterior with a uniform prior.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count as numbers
from math import comb
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import Prompt
from orchestration.runs.engine.context import RunContext
from orchestration.strategies.engine.answer_vote import (
    CountedAnswers,
    answer_vote,
    can_be_counted,
    cast_answer,
    count_answers,
)
from orchestration.strategies.engine.asking import StepTimer, announce, answer_prompt, ask_step, begin_phase
from orchestration.strategies.engine.deciding import (
    Scorer,
    conclude,
    no_answer_error,
    require_usable,
    select_best,
)
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, parse_options
from orchestration.strategies.engine.rewriting import say_the_same
from orchestration.strategies.engine.rounds import Round, RoundPlan, ask_round, candidates, single_error
from orchestration.strategies.engine.stopping import EarlyStopReason, Stop, StopRequest
from orchestration.strategies.engine.strategy import Panel, Strategy
from orchestration.strategies.engine.types import (
    AS_SHARE,
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    is_usable,
)
from orchestration.strategies.engine.voting.answering import Vote
from orchestration.strategies.engine.voting.counting import Cast, Count


class SamplingChoices(StrategyOptions):
    """Options of self-consistency alone."""

    temperature: float | None = Field(
        default=0.7,
        ge=0,
        le=2,
        title="Temperature",
        description="Samples have to differ: 0 answers alike each time, higher values vary more. Empty: the"
        " model's own default.",
    )
    samples: int = Field(
        default=5,
        ge=2,
        le=40,
        title="Samples",
        description="Answers that are drawn at most, from all models of the panel in turn.",
    )
    wave: int = Field(
        default=3,
        ge=0,
        le=40,
        title="At once",
        description="Samples that are drawn at the same time; after each wave it is asked whether more are"
        " needed. 0: all at once.",
    )
    sure: float = Field(
        default=0.95,
        ge=0.5,
        le=1,
        title="Sure enough",
        description="Probability with which the leading answer stays ahead of the second from which on no"
        " more are drawn. 100%: only once no sample can change the winner.",
        json_schema_extra=AS_SHARE,
    )


class SelfConsistencyOptions(SamplingChoices, AnswerOptions, JudgedOptions):
    """Options of self-consistency; its temperature has a default of its own."""

    main = ("samples", "temperature")


class Draw(ChatModel):
    """A model as it answers for one of several times: a voter of its own, under a name of its own."""

    def __init__(self, model: ChatModel, number: int, name: str) -> None:
        super().__init__(replace(model.spec, name=name))
        self.model, self.number = model, number

    def stream(self, prompt: Prompt) -> AnswerStream:
        """Answer as the model does, with the number of this draw."""
        return self.model.stream(replace(prompt, sample=self.number - 1))


def draws(members: Sequence[ChatModel], samples: int) -> tuple[Draw, ...]:
    """Return so many draws of the models in turn; the first of each has its model's name, others a number."""
    found: list[Draw] = []
    taken = {model.spec.name for model in members}
    for place in range(samples):
        turn, at = divmod(place, len(members))
        model = members[at]
        name = model.spec.name if not turn else _unused(f"{model.spec.name} #{turn + 1}", taken)
        taken.add(name)
        found.append(Draw(model, turn + 1, name))
    return tuple(found)


def _unused(name: str, taken: Iterable[str]) -> str:
    """Return the name, or one like it that no model on the panel has."""
    if name not in taken:
        return name
    return next(each for number in numbers(1) if (each := f"{name} ({number})") not in taken)


def stays_ahead(leader: int, second: int) -> float:
    """Return the probability that the leading answer is the more frequent of the first two.

    That of p > 1/2 under Beta(leader + 1, second + 1), which is a binomial tail: P(X <= leader) for so many
    tosses of a fair coin as both have votes, and one more.
    """
    tosses = leader + second + 1
    return sum(comb(tosses, heads) for heads in range(leader + 1)) / float(2**tosses)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sampling:
    """One run: the draws, and the ballots that they are so far."""

    request: Request
    options: SelfConsistencyOptions
    panel: Panel
    timer: StepTimer
    scorer: Scorer
    casts: dict[str, Cast] = field(default_factory=dict)
    written: list[Candidate] = field(default_factory=list)

    @property
    def vote(self) -> Vote:
        """The vote of the draws, each of which is a voter."""
        drawn = draws(self.panel.members, self.options.samples)
        return answer_vote(self.request, Panel(members=drawn, belief=self.panel.belief), self.timer)

    @property
    def prompt(self) -> Prompt:
        """The question as it is asked each time."""
        return answer_prompt(self.request, self.options)

    async def run(self) -> StrategyOutcome:
        """Draw, count, and conclude."""
        context, vote = self.timer.context, self.vote
        await begin_phase(context, "asking")
        plan = RoundPlan(until=self._until, wave=self.options.wave)
        by_name = {draw.spec.name: draw for draw in draws(self.panel.members, self.options.samples)}
        ended = await ask_round(
            list(by_name.values()), lambda each: self._ask(by_name[each.spec.name]), plan, context=context
        )
        stops = () if ended.stop is None else (ended.stop.decision,)
        for decision in stops:
            await announce(context, decision, "stop")
        voters = candidates(ended)
        drawn = [_of_model(each, by_name[each.model]) for each in voters]
        if not answered_candidates(drawn):
            raise no_answer_error(drawn, ended.stop)
        require_usable(drawn, ended.stop)
        scored = await self._score(drawn)
        named = [replace(each, model=voter.model) for each, voter in zip(scored, voters, strict=True)]
        won = await self._count(vote, named, ended.stop)
        selection = select_best(scored) if won is None else won.selection
        found = await conclude(self.timer, selection, scored, ended.stop)
        voted = () if won is None else (won.result.decision,)
        return replace(
            found,
            consensus=None if won is None else won.result.consensus,
            decisions=(*stops, *voted, *found.decisions),
            notes=() if ended.stop is None else (ended.stop.sentence,),
        )

    async def _ask(self, draw: Draw) -> Candidate:
        """Ask for a sample and cast it as a ballot; it is a candidate under the voter's name."""
        part = self.timer.again(draw.number)
        prompt = replace(self.prompt, sample=draw.number - 1)
        answer = await ask_member(draw.model, prompt, part, request=self.request)
        [checked] = await self.scorer.by_checks_alone().score([answer], "checks")
        candidate = replace(checked, model=draw.spec.name)
        if is_usable(candidate):
            self.written.append(candidate)
        self.casts[candidate.model] = cast_answer(candidate, self.request.text)
        return candidate

    def _until(self, _: Round[Candidate]) -> StopRequest | None:
        """Return why no other sample is needed: it cannot, or will hardly, change the winner."""
        casts = list(self.casts.values())
        if not can_be_counted(casts, self.written):
            return None
        counted = self.vote.count(casts)
        winner = counted.tally().winner
        reason, because = EarlyStopReason.SETTLED, f"Settled: “{winner}” wins whatever other samples say."
        if not counted.is_settled():
            sure = stays_ahead(*_first_two(counted))
            reason, because = (
                EarlyStopReason.LIKELY,
                f"“{winner}” stays ahead with a probability of {sure:.3f}.",
            )
            if winner is None or self.options.sure == 1 or sure < self.options.sure:
                return None
        why = f"Not asked. {because}"
        return StopRequest(reason=reason, because=because, why=why, prompt=self.prompt, answers=self.written)

    async def _count(
        self, vote: Vote, voters: Sequence[Candidate], stop: Stop | None
    ) -> CountedAnswers | None:
        """Count the samples; None where too few of them can be compared."""
        casts = [cast_answer(each, self.request.text) for each in voters if each.model in self.casts]
        if len(self.written) < 2 or not can_be_counted(casts, self.written):  # noqa: PLR2004
            return None
        return await count_answers(vote, casts, voters, stop)

    async def _score(self, drawn: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the candidates with their quality.

        Samples of one model err alike: agreement counts between models, by the most frequent answer of each.
        """
        usable = [each for each in drawn if is_usable(each)]
        independent = []
        for name in self.panel.names:
            own = [each for each in usable if each.model == name]
            independent += sorted(own, key=lambda one: -self._alike(one, own))[:1]
        return await self.scorer.score(drawn, "judge", independent=independent)

    def _alike(self, one: Candidate, others: Sequence[Candidate]) -> int:
        return sum(say_the_same(one, each, self.request.text) for each in others)


def _of_model(candidate: Candidate, draw: Draw) -> Candidate:
    """Return a voter's candidate as its model's, at the step that asked for it or would have."""
    name = draw.model.spec.name
    if candidate.state in {"answered", "failed"}:
        return replace(candidate, model=name)
    step = ask_step(name) if draw.number == 1 else f"answer-{draw.number}/{ask_step(name)}"
    return replace(candidate, model=name, step=step)


def _first_two(counted: Count) -> tuple[int, int]:
    """Return the votes of the first and of the second answer."""
    votes = Counter(ballot.choice for ballot in counted.ballots if ballot.choice is not None)
    leading = [votes for _, votes in votes.most_common(2)]
    return leading[0] if leading else 0, leading[1] if len(leading) > 1 else 0


class SelfConsistency(Strategy):
    """Draw several answers and take the most frequent one."""

    name: ClassVar[str] = "self_consistency"
    title: ClassVar[str] = "Self-consistency"
    summary: ClassVar[str] = (
        "Asks one or several models the same question several times and takes the answer that comes up most"
        " often; draws no more once that is settled."
    )
    in_turn: ClassVar[bool] = False
    answer_word: ClassVar[str] = "Sample"
    counts_answers: ClassVar[bool] = True
    Options: ClassVar[type[StrategyOptions]] = SelfConsistencyOptions
    labels: ClassVar[Mapping[str, str]] = {"vote": "Vote"}

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: from a result that is settled after the first waves to all samples."""
        given = parse_options(SelfConsistencyOptions, options.model_dump())
        if not panel:
            return Effort(answers=(0, 0), at_once=1)
        wave = given.wave or given.samples
        enough = next(
            votes
            for votes in numbers(1)
            if 2 * votes > given.samples or (given.sure < 1 and stays_ahead(votes, 0) >= given.sure)
        )
        fewest = min(given.samples, -(-enough // wave) * wave)
        judges = judging(given, together=given.samples)
        return Effort(answers=(fewest, given.samples), at_once=wave, helping=judges)

    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
        """Answer `request` with the most frequent of several answers."""
        options = parse_options(SelfConsistencyOptions, request.options)
        timer = StepTimer(context)
        scorer = Scorer.judged_by(options, request, panel, timer)
        run = _Sampling(request=request, options=options, panel=panel, timer=timer, scorer=scorer)
        with single_error():
            return await run.run()


STRATEGY = SelfConsistency()
