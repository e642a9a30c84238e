"""Mixture of agents: models answer, answer again with all answers in sight, and one writes the final answer.

After Wang, Wang, Athiwaratkun, Zhang and Zou, Mixture-of-Agents Enhances Large Language Model Capabilities
(arXiv 2406.04692): layers of proposers, each of which is shown every answer of the layer before it, and an
aggregator that is shown those of the last one. Their six models in three layers are two layers and an
aggregator here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from orchestration.strategies.engine.deciding import Selection, estimated, select_best
from orchestration.strategies.engine.effort import Effort, combining, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.options import Aggregator, AnswerOptions, StrategyOptions, parse_options
from orchestration.strategies.engine.parallel import synthesise
from orchestration.strategies.engine.rewriting import RewritingRun
from orchestration.strategies.engine.running import PanelStrategy, StrategyRun
from orchestration.strategies.engine.types import Candidate, StrategyOutcome, counted, is_usable

FEWEST_COMBINED = 2
TASK = """\
You are given a question and the answers that several models gave to it, some of which may be biased, wrong or
incomplete. Evaluate critically what they say; do not simply repeat it, and trust no answer because others say
the same. Then write the best answer to the question that you can, whole, accurate and well structured, in
your own words and without mentioning that there were others.
"""


class MixtureChoices(StrategyOptions):
    """Options of a mixture alone."""

    layers: int = Field(
        default=2,
        ge=1,
        le=4,
        title="Layers",
        description="How often each model answers before the answers are combined; from the second layer on"
        " it is shown all answers of the layer before.",
    )
    aggregator: Aggregator = Field(
        default=None,
        description="Model that writes the final answer from those of the last layer. Empty: the model"
        " of the panel that is expected to be right most often.",
    )


class MixtureOptions(AnswerOptions, JudgedOptions, MixtureChoices):
    """Options of a mixture."""

    main = ("layers", "aggregator")


@dataclass(kw_only=True, slots=True)
class _MixtureRun(RewritingRun):
    """The state of one run."""

    options: MixtureOptions

    async def run(self) -> StrategyOutcome:
        """Ask layer after layer, and combine the answers of the last one."""
        await self.timer.begin("layer 1")
        await self.answer_first()
        for number in range(2, self.options.layers + 1):
            if self.stop is not None or len(self.usable) < FEWEST_COMBINED:
                break
            await self.answer_anew(number, "layer", TASK, own=False)
        if self.stop is not None:
            self.notes.append(f"Not all was asked. {self.stop.because}")
        combined = await self._combined()
        if isinstance(combined, str):
            self.notes.append(combined)
            scored = await self.score_newest()
            return await self.conclude(select_best(scored), scored)
        [final] = await self.score_newest([combined])
        answers = counted(len(self.usable), "answer")
        layer = f" of layer {self.options.layers}" if self.options.layers > 1 else ""
        reason = f"{final.model} combined {answers}{layer}; {estimated(final)}."
        chosen = Selection(step=final.step, reason=reason)
        return await self.conclude(chosen, self.newest, combined=(final,))

    async def _combined(self) -> Candidate | str:
        """Return what the aggregator writes, or why there is nothing."""
        if len(self.usable) < FEWEST_COMBINED:
            return f"There was nothing to combine: {counted(len(self.usable), 'usable answer')}."
        drawn = [each.step for each in self.usable]
        self.context.random.shuffle(drawn)
        order = await self.context.decide("aggregate/order", drawn)
        shown = sorted(self.usable, key=lambda each: order.index(each.step))
        written = await synthesise(self, self.options.aggregator, shown)
        if isinstance(written, str):
            return written
        [checked] = await self.scorer.check([written])
        unusable = f"What {written.model} wrote from the answers cannot be used: this is the best of them."
        return checked if is_usable(checked) else unusable


class Mixture(PanelStrategy):
    """Let models answer in layers, and combine the answers of the last one."""

    name: ClassVar[str] = "mixture"
    title: ClassVar[str] = "Mixture of agents"
    summary: ClassVar[str] = (
        "Models answer, then write better answers from everybody's, layer after layer; one model combines the"
        " last ones into the final answer."
    )
    answer_alone: ClassVar[bool] = False
    answer_word: ClassVar[str] = "Layer"
    Options: ClassVar[type[AnswerOptions]] = MixtureOptions
    Run: ClassVar[type[StrategyRun]] = _MixtureRun

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: all layers, and the aggregator."""
        given = parse_options(MixtureOptions, options.model_dump())
        if panel < FEWEST_COMBINED:
            return Effort(answers=(panel, panel), at_once=1, helping=judging(given, together=panel))
        again = (given.layers - 1) * panel
        return Effort(
            answers=(panel, panel),
            at_once=panel,
            again=(again, again),
            helping=(combining(given.aggregator, panel), *judging(given, together=1)),
        )


STRATEGY = Mixture()
