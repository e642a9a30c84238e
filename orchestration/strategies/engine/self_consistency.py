"""Self-consistency: models answer the same question several times, and the most frequent answer wins.

After Wang and others, Self-Consistency Improves Chain of Thought Reasoning in Language Models (arXiv
2203.11171). Sampling ends early as in Aggarwal, Madaan, Yang and Mausam, Let's Sample Step by Step:
Adaptive-Consistency (arXiv 2305.11860): once no sample to come can change the winner, or once it stays ahead
of the second with a given probability under a Beta posterior with a uniform prior.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from itertools import count as numbers
from math import comb
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import Prompt
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.effort import Effort, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, Temperature, parse_options
from orchestration.strategies.engine.rewriting import say_the_same
from orchestration.strategies.engine.rounds import Round, Stop, candidates
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import AS_SHARE, Candidate, StrategyOutcome, is_usable
from orchestration.strategies.engine.voting.deciding import cast_answer
from orchestration.strategies.engine.voting.strategy import (
    VotingRun,
    answer_vote,
    can_be_counted,
    conclude_by_vote,
)


class SamplingChoices(StrategyOptions):
    """Options of self-consistency alone."""

    temperature: Temperature = Field(
        default=0.7,
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
        name = members[at].spec.name
        if turn:
            numbered = f"{name} #{turn + 1}"
            unlike = (f"{numbered} ({number})" for number in numbers(1))
            name = next(each for each in chain([numbered], unlike) if each not in taken)
        taken.add(name)
        found.append(Draw(members[at], turn + 1, name))
    return tuple(found)


def stays_ahead(leader: int, second: int) -> float:
    """Return the probability that the leading answer is the more frequent of the first two.

    That of p > 1/2 under Beta(leader + 1, second + 1), which is a binomial tail: P(X <= leader) for so many
    tosses of a fair coin as both have votes, and one more.
    """
    tosses = leader + second + 1
    return sum(comb(tosses, heads) for heads in range(leader + 1)) / float(2**tosses)


@dataclass(kw_only=True, slots=True)
class _Sampling(StrategyRun):
    """One run, and the vote of its draws, each of which is a voter."""

    options: SelfConsistencyOptions
    by_name: Mapping[str, Draw] = field(init=False)
    vote: VotingRun = field(init=False)

    async def run(self) -> StrategyOutcome:
        """Draw, count, and conclude."""
        await self.timer.begin("asking")
        found, wave = draws(self.panel.members, self.options.samples), self.options.wave
        self.by_name = {draw.spec.name: draw for draw in found}
        self.vote = answer_vote(self, Panel(members=found, belief=self.panel.belief))
        ended = await Round(found, self._draw, self.context, until=self._until, wave=wave).run()
        await self.note_stop(ended.stop)
        voters = candidates(ended, self._step)
        drawn = [replace(each, model=self.by_name[each.model].model.spec.name) for each in voters]
        self.require_answers(drawn)
        scored = await self._score(drawn)
        named = [replace(each, model=voter.model) for each, voter in zip(scored, voters, strict=True)]
        casts = [cast_answer(each, self.request.text) for each in named if each.model in self.vote.casts]
        return await conclude_by_vote(self, self.vote, casts, scored, named)

    def _step(self, name: str) -> str:
        """Return the key of the step that asks for a draw."""
        draw = self.by_name[name]
        return self.timer.again(draw.number).key(ask_step(draw.model.spec.name))

    async def _draw(self, voter: ChatModel) -> Candidate:
        """Ask for a sample and cast it as a ballot; it is a candidate under the voter's name."""
        draw = self.by_name[voter.spec.name]
        part = self.timer.again(draw.number)
        prompt = replace(self.prompt, sample=draw.number - 1)
        answer = await ask_member(draw.model, prompt, part, request=self.request)
        [checked] = await self.scorer.check([answer])
        candidate = replace(checked, model=draw.spec.name)
        self.vote.keep(candidate)
        return candidate

    def _until(self, asked: Round[Candidate]) -> Stop | None:
        """Return why no other sample is needed: it cannot, or will hardly, change the winner."""
        if not can_be_counted(list(self.vote.casts.values()), self.vote.written):
            return None
        counted = self.vote.count()
        votes = Counter(ballot.choice for ballot in counted.ballots if ballot.choice is not None)
        leader, second = [*(most for _, most in votes.most_common(2)), 0, 0][:2]
        sure, winner = stays_ahead(leader, second), counted.tally().winner
        is_likely = sure >= self.options.sure  # never where 100 % is asked for
        likely = f"“{winner}” stays ahead with a probability of {sure:.3f}." if is_likely else ""
        return self.vote.reason_to_stop(asked, counted, self.prompt, likely, "other samples")

    async def _score(self, drawn: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the scored candidates; samples of one model err alike, so its most frequent one counts."""
        own: dict[str, list[Candidate]] = {name: [] for name in self.panel.names}
        for each in filter(is_usable, drawn):
            own[each.model].append(each)

        def alike(one: Candidate) -> int:
            return sum(say_the_same(one, each, self.request.text) for each in own[one.model])

        independent = [max(answers, key=alike) for answers in own.values() if answers]
        return await self.scorer.score(drawn, "judge", independent=independent)


class SelfConsistency(PanelStrategy):
    """Draw several answers and take the most frequent one."""

    name: ClassVar[str] = "self_consistency"
    title: ClassVar[str] = "Self-consistency"
    summary: ClassVar[str] = (
        "Asks one or several models the same question several times and takes the answer that comes up most"
        " often; draws no more once that is settled."
    )
    answer_word: ClassVar[str] = "Sample"
    counts_answers: ClassVar[bool] = True
    Options: ClassVar[type[AnswerOptions]] = SelfConsistencyOptions
    Run: ClassVar[type[StrategyRun]] = _Sampling
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


STRATEGY = SelfConsistency()
