"""The sequential strategy, and the search for an acceptable answer that other strategies use, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import Field

from orchestration.llm.engine.errors import ContextWindowExceeded, ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import ask_step
from orchestration.strategies.engine.deciding import (
    ON_THE_PANEL,
    Selection,
    estimated,
    good_enough,
    overall,
    select_best,
)
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import AnswerOptions, StrategyOptions, Threshold
from orchestration.strategies.engine.rounds import Round, candidates
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.types import Candidate, StrategyOutcome, listed, percent

TOO_LONG = ContextWindowExceeded().code
MOVE_ON = "move_on"


class SearchChoices(StrategyOptions):
    """Options of every search."""

    threshold: Threshold = Field(
        default=0.6,
        description="Estimated quality at which an answer is accepted and no other model is asked.",
    )


class SearchOptions(AnswerOptions, JudgedOptions, SearchChoices):
    """Options of a search."""

    main = ("threshold", "judge")


@dataclass(kw_only=True, slots=True)
class Search(StrategyRun):
    """The state of the search for an acceptable answer.

    `at_first` models are asked at once, the others one by one; `order` says where a tie's winner comes first.
    A prompt that was too long for a context window of `window` tokens is sent to larger ones only.
    """

    options: SearchOptions
    at_first: int = 1
    order: str = ON_THE_PANEL
    candidates: list[Candidate] = field(default_factory=list)
    acceptable: Selection | None = None
    window: int = 0

    @property
    def needed(self) -> float:
        """The estimated quality at which the search ends."""
        return max(self.options.threshold, self.least)

    async def run(self) -> StrategyOutcome:
        """Return the acceptable answer, or the best there is."""
        await self.timer.begin("asking")
        await self._ask_in_turn()
        self.require_answers(self.candidates)
        selection = self.acceptable or select_best(self.candidates, self.order)
        self.notes += self._remarks()
        return await self.conclude(selection, self.candidates)

    async def _ask_in_turn(self) -> None:
        """Ask until an answer is acceptable, a limit is reached or no model is left."""
        members = self.panel.members
        groups = [members[: self.at_first], *((model,) for model in members[self.at_first :])]
        for group in groups:
            fitting = [model for model in group if model.spec.context_window > self.window]
            for spec in (model.spec for model in group if model not in fitting):
                size = f"its context window of {spec.context_window:,} tokens"
                why = f"Not asked: {size} is no larger than the {self.window:,} that failed."
                skipped = Candidate(model=spec.name, step=ask_step(spec.name), state="missing", error=why)
                self.candidates.append(skipped)
            if not fitting:
                continue
            tried = await self._try(fitting)
            if self.acceptable is not None or self.stop is not None:
                return
            await self._explain(tried, members[len(self.candidates) :])

    async def _try(self, group: Sequence[ChatModel]) -> tuple[Candidate, ...]:
        """Ask models at once and score their answers."""
        ended = await Round(group, self.ask, self.context).run()
        self.stop = ended.stop
        step = f"judge/{group[0].spec.name}" if len(group) == 1 else "judge"
        scored = await self.scorer.score(candidates(ended), step)
        self.candidates += scored
        if max(map(overall, scored)) >= self.needed:
            alone = Selection(step=scored[0].step, reason=good_enough(scored[0], self.needed))
            self.acceptable = alone if len(scored) == 1 else select_best(scored, self.order)
        return scored

    async def ask(self, model: ChatModel) -> Candidate:
        """Ask a model, and note where the prompt was too long for it."""

        def note_window(error: ModelError) -> None:
            if error.code == TOO_LONG:
                self.window = max(self.window, model.spec.context_window)

        return await ask_member(model, self.prompt, self.timer, request=self.request, on_error=note_window)

    async def _explain(self, tried: Sequence[Candidate], rest: Sequence[ChatModel]) -> None:
        """Emit why the search moves on to the next model, if there is one."""
        following = [model.spec.name for model in rest if model.spec.context_window > self.window]
        if not following:
            return
        decision = Decision(
            kind=MOVE_ON,
            chosen=following[0],
            reason=" ".join(f"{candidate.model}: {self._why_not(candidate)}" for candidate in tried),
            options=tuple(following),
            scores={c.model: c.quality.overall for c in tried if c.quality is not None},
        )
        await self.announce(decision, tried[-1].step)

    def _why_not(self, candidate: Candidate) -> str:
        if candidate.quality is None:
            return candidate.error
        quality = estimated(candidate, percent(overall(candidate), beside=self.needed))
        return f"{quality}, below {percent(self.needed)}. {candidate.quality.evidence[0]}"

    def _remarks(self) -> list[str]:
        notes = []
        if self.acceptable is None and self.needed > self.least:
            notes.append(f"No answer reached the quality of {percent(self.needed)}: this is the best one.")
        if self.stop is not None:
            notes.append(f"The search ended early. {self.stop.because}")
        unasked = [model.spec.name for model in self.panel.members[len(self.candidates) :]]
        if unasked and self.stop is None:
            notes.append(f"Not needed: {listed(unasked)}.")
        return notes


class Sequential(PanelStrategy):
    """Ask in order of the panel and fail over."""

    name: ClassVar[str] = "sequential"
    title: ClassVar[str] = "Sequential"
    summary: ClassVar[str] = (
        "Asks one model after the other, in the order of the panel, until an answer is good enough; moves on"
        " after errors, refusals, cut-off answers and low quality."
    )
    in_turn: ClassVar[bool] = True
    Options: ClassVar[type[AnswerOptions]] = SearchOptions
    Run: ClassVar[type[StrategyRun]] = Search
    labels: ClassVar[Mapping[str, str]] = {MOVE_ON: "Went on"}
    escalations: ClassVar[frozenset[str]] = frozenset({MOVE_ON})


STRATEGY = Sequential()
