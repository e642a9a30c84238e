"""The parallel strategy: ask all models at once, then select an answer or combine several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.types import Message, Purpose
from orchestration.strategies.engine.asking import answered
from orchestration.strategies.engine.deciding import (
    LEAST_USABLE,
    Selection,
    estimated,
    good_enough,
    overall,
    select_best,
)
from orchestration.strategies.engine.effort import Effort, combining, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.options import (
    Aggregator,
    AnswerOptions,
    StrategyOptions,
    Threshold,
    parse_options,
)
from orchestration.strategies.engine.quality.prompts import DATA_ONLY, FINAL_LINE, blocks
from orchestration.strategies.engine.rounds import EarlyStopReason, Round, Stop, candidates
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.types import (
    Candidate,
    StrategyOutcome,
    answered_candidates,
    counted,
    listed,
    percent,
)

OUT_OF_TIME = "The time limit of the run passed. Raise it or use faster models."


class Select(StrEnum):
    """How the answer is made from the candidates."""

    BEST = "best"
    FIRST_GOOD_ENOUGH = "first_good_enough"
    SYNTHESIS = "synthesis"


class ParallelChoices(StrategyOptions):
    """Options of the parallel strategy alone."""

    select: Select = Field(
        default=Select.BEST,
        title="Select",
        description="Best: the answer of the highest quality. First good enough: the first one that reaches"
        " the threshold; the other calls are cancelled. Synthesis: one model combines the answers.",
    )
    threshold: Threshold = Field(
        default=0.6,
        description="Estimated quality that ends the wait when the first good answer is selected.",
    )
    aggregator: Aggregator = Field(
        default=None,
        description="Model that combines the answers in a synthesis. Empty: the model of the panel"
        " that is expected to be right most often.",
    )
    max_parallel: int = Field(
        default=10,
        ge=1,
        le=50,
        title="At once",
        description="Models asked at the same time; the others wait for their turn.",
    )
    deadline_s: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        title="Deadline",
        description="Seconds after which no further answer is waited for; missing models are named. Empty:"
        " wait for all.",
    )
    at_least: int = Field(
        default=1,
        ge=1,
        le=50,
        title="At least",
        description="Answers to wait for even when the deadline has passed.",
    )


class ParallelOptions(AnswerOptions, JudgedOptions, ParallelChoices):
    """Options of the parallel strategy."""

    main = ("select", "deadline_s")


@dataclass(kw_only=True, slots=True)
class _ParallelRun(StrategyRun):
    """One run: the round of answers and the selection of one."""

    options: ParallelOptions

    @property
    def needed(self) -> float:
        """The estimated quality of an answer that is good enough."""
        return max(self.options.threshold, self.least)

    async def run(self) -> StrategyOutcome:
        """Ask, select and conclude."""
        first = self.options.select is Select.FIRST_GOOD_ENOUGH
        await self.timer.begin("asking")
        ended = await Round(
            self.panel.members,
            self.ask,
            self.context,
            score=self._score_one if first else None,
            until=self._until,
            wait_s=self._wait_s,
            at_once=self.options.max_parallel,
        ).run()
        await self.note_stop(ended.stop)
        asked = candidates(ended)
        self.require_answers(asked)
        missing = [each.model for each in asked if self.stop is not None and each.state == "missing"]
        self.notes += [f"Missing: {listed(missing)}."] if missing else []
        if first:
            return await self._conclude_with_first(asked)
        if self.options.select is Select.SYNTHESIS:
            return await self._synthesise(asked)
        return await self._conclude_with_best(asked)

    async def _score_one(self, candidate: Candidate) -> Candidate:
        [scored] = await self.scorer.score([candidate], f"judge/{candidate.model}")
        return scored

    def _until(self, asked: Round[Candidate]) -> Stop | None:
        """Return why asking should end now: a good answer, the deadline, the time limit of the run."""
        ending = partial(asked.early_stop, prompt=self.prompt, answers=answered_candidates(asked.answers))
        good = [each for each in asked.answers if each.model in asked.ended and overall(each) >= self.needed]
        if self.options.select is Select.FIRST_GOOD_ENOUGH and good:
            best = max(good, key=overall)
            because = good_enough(best, self.needed)
            return ending(EarlyStopReason.GOOD_ENOUGH, because, chosen=best.model)
        deadline_in, time_left = self._deadline_in(asked), self.context.time_left()
        if deadline_in is not None and deadline_in <= 0:
            passed = f"The deadline of {self.options.deadline_s:g} s passed."
            return ending(EarlyStopReason.DEADLINE, passed)
        if time_left is not None and time_left <= 0:
            return ending(EarlyStopReason.DEADLINE, OUT_OF_TIME, limit="seconds")
        return None

    def _deadline_in(self, asked: Round[Candidate]) -> float | None:
        """Return the seconds to the deadline option; None without one, or while too few have answered."""
        if self.options.deadline_s is None or len(answered_candidates(asked.answers)) < self.options.at_least:
            return None
        return self.options.deadline_s - self.context.now()

    def _wait_s(self, asked: Round[Candidate]) -> float | None:
        waits = (self.context.time_left(), self._deadline_in(asked))
        return min((wait for wait in waits if wait is not None), default=None)

    async def _conclude_with_best(self, asked: Sequence[Candidate]) -> StrategyOutcome:
        scored = await self.scorer.score(asked, "judge")
        return await self.conclude(select_best(scored), scored)

    async def _conclude_with_first(self, scored: Sequence[Candidate]) -> StrategyOutcome:
        """Conclude with the answer that ended the asking, else the best one."""
        if self.stop is not None and self.stop.chosen:
            chosen = next(each for each in scored if each.model == self.stop.chosen)
            return await self.conclude(Selection(step=chosen.step, reason=self.stop.because), scored)
        if max(map(overall, scored)) < self.needed and self.needed > self.least:
            note = f"No answer reached the quality of {percent(self.needed)}: this is the best one."
            self.notes.append(note)
        return await self.conclude(select_best(scored), scored)

    async def _synthesise(self, asked: Sequence[Candidate]) -> StrategyOutcome:
        """Have the aggregator combine the usable answers; if it cannot, conclude with the best one."""
        checked = await self.scorer.check(asked)
        usable = [candidate for candidate in checked if overall(candidate) >= LEAST_USABLE]
        written: Candidate | str = f"There was nothing to combine: {counted(len(usable), 'usable answer')}."
        if len(usable) > 1:
            written = await synthesise(self, self.options.aggregator, usable)
        if isinstance(written, str):
            self.notes.append(written)
            return await self._conclude_with_best(asked)
        [scored] = await self.scorer.score([written], "judge")
        combined = f"{written.model} combined {counted(len(usable), 'answer')}"
        selection = Selection(step=written.step, reason=f"{combined}; {estimated(scored)}.")
        return await self.conclude(selection, checked, combined=(scored,))


AGGREGATE_STEP = "aggregate"
AGGREGATE_TASK = """\
You are given a question and several answers to it, some of which may be wrong or incomplete.
Work out what is right, keep what is correct and useful in each, correct what is not, and write one final
answer to the question in your own words. Do not mention that there were several answers.
"""


async def synthesise(run: StrategyRun, named: str | None, answers: Sequence[Candidate]) -> Candidate | str:
    """Return the answer that a model combines from the others, anonymous and marked as data.

    It is the `named` model, else the best of the panel. What it writes is a candidate of its own step; a
    sentence says why there is none.
    """
    aggregator = run.panel.named(named) if named else run.panel.best(run.request)
    name = aggregator.spec.name
    await run.timer.begin("synthesising")
    shown = blocks(aggregator.spec, run.request, [each.text for each in answers])
    told = Message(role="system", content=f"{AGGREGATE_TASK}{FINAL_LINE}{DATA_ONLY}")
    messages = (told, Message(role="user", content=shown))
    prompt = replace(run.prompt, messages=messages, purpose=Purpose.AGGREGATE)
    completion = await run.ask_helper(aggregator, prompt, AGGREGATE_STEP)
    if isinstance(completion, str):
        return f"{name} could not combine the answers: {completion}"
    return await answered(name, AGGREGATE_STEP, completion)


class Parallel(PanelStrategy):
    """Ask the whole panel at once."""

    name: ClassVar[str] = "parallel"
    title: ClassVar[str] = "Parallel"
    summary: ClassVar[str] = (
        "Asks all models at once, then takes the best answer, the first one that is good enough, or a"
        " synthesis of all."
    )
    Options: ClassVar[type[AnswerOptions]] = ParallelOptions
    Run: ClassVar[type[StrategyRun]] = _ParallelRun

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: a first good answer may be the only one that is waited for."""
        given = parse_options(ParallelOptions, options.model_dump())
        at_once = max(1, min(given.max_parallel, panel))
        if given.select is Select.FIRST_GOOD_ENOUGH:
            first = (min(1, panel), panel)
            return Effort(answers=first, at_once=at_once, helping=judging(given, together=0, singly=first))
        helping = judging(given, together=panel)
        if given.select is Select.SYNTHESIS and panel > 1:
            helping = (combining(given.aggregator, panel), *judging(given, together=1))
        return Effort(answers=(panel, panel), at_once=at_once, helping=helping)


STRATEGY = Parallel()
