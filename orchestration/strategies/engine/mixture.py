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

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Prompt, Purpose
from orchestration.runs.engine.context import RunContext
from orchestration.strategies.engine.asking import StepTimer, begin_phase
from orchestration.strategies.engine.deciding import (
    Scorer,
    Selection,
    estimated,
    select_best,
    settle,
)
from orchestration.strategies.engine.effort import Effort, Help, judging
from orchestration.strategies.engine.fallback import JudgedOptions
from orchestration.strategies.engine.options import AnswerOptions, ModelName, StrategyOptions, parse_options
from orchestration.strategies.engine.parallel import synthesise
from orchestration.strategies.engine.rewriting import (
    RewritingRun,
    answer_again,
    draw_orders,
    independent_answers,
    newest,
    rewriting_prompt,
)
from orchestration.strategies.engine.rounds import single_error
from orchestration.strategies.engine.strategy import Panel, Strategy
from orchestration.strategies.engine.types import (
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    counted,
    is_usable,
    listed,
)

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
    aggregator: ModelName | None = Field(
        default=None,
        title="Aggregator",
        description="Model that writes the final answer from those of the last layer. Empty: the first model"
        " of the panel.",
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
        await begin_phase(self.timer.context, "layer 1")
        await self.answer_first(self.options)
        for number in range(2, self.options.layers + 1):
            if self.stop is not None or len(self.usable) < FEWEST_COMBINED:
                break
            await self._layer(number)
        if self.stop is not None:
            self.notes.append(f"Not all was asked. {self.stop.because}")
        return await self._conclude()

    async def _layer(self, number: int) -> None:
        """Show every model all answers of the layer before, its own among them, and ask it for its own."""
        await begin_phase(self.timer.context, f"layer {number}")
        said = {each.model: each.text for each in self.usable}
        members = [model for model in self.panel.members if model.spec.name in said]
        orders = await draw_orders(self.timer, {name: tuple(said) for name in said}, number)

        def prompt(model: ChatModel) -> Prompt:
            shown = [said[each] for each in orders[model.spec.name]]
            return rewriting_prompt(TASK, model.spec, self.request, self.options, shown)

        written, self.stop = await answer_again(members, prompt, number, self.scorer)
        kept = [each.model for each in written if not is_usable(each)]
        if kept:
            self.notes.append(f"In layer {number} the earlier answer stands of {listed(kept)}.")
        self.newest = newest(self.newest, written)

    async def _conclude(self) -> StrategyOutcome:
        combined, why_not = await self._combined()
        if combined is None:
            self.notes.append(why_not)
            independent = independent_answers(self.usable, self.first, self.request.text)
            scored = await self.scorer.score(self.newest, "judge", independent=independent)
            return await self._outcome(select_best(scored), scored, ())
        independent = independent_answers([combined], self.first, self.request.text)
        [final] = await self.scorer.score([combined], "judge", independent=independent)
        answers = counted(len(self.usable), "answer")
        layer = f" of layer {self.options.layers}" if self.options.layers > 1 else ""
        reason = f"{final.model} combined {answers}{layer}; {estimated(final)}."
        return await self._outcome(Selection(step=final.step, reason=reason), self.newest, (final,))

    async def _combined(self) -> tuple[Candidate | None, str]:
        """Return what the aggregator writes, or why there is nothing."""
        if len(self.usable) < FEWEST_COMBINED:
            return None, f"There was nothing to combine: {counted(len(self.usable), 'usable answer')}."
        aggregator = self.panel.named(self.options.aggregator or self.panel.names[0])
        await begin_phase(self.timer.context, "synthesising")
        drawn = [each.step for each in self.usable]
        self.timer.context.random.shuffle(drawn)
        order = await self.timer.context.decide("aggregate/order", drawn)
        shown = sorted(self.usable, key=lambda each: order.index(each.step))
        written = await synthesise(aggregator, self.request, shown, self.options, self.timer)
        if isinstance(written, str):
            return None, written
        [checked] = await self.scorer.by_checks_alone().score([written], "checks")
        unusable = f"What {written.model} wrote from the answers cannot be used: this is the best of them."
        return (checked, "") if is_usable(checked) else (None, unusable)

    async def _outcome(
        self, selection: Selection, candidates: tuple[Candidate, ...], combined: tuple[Candidate, ...]
    ) -> StrategyOutcome:
        with self.timer.step("select"):
            chosen, decision = await settle(
                self.timer.context, selection, (*answered_candidates(candidates), *combined)
            )
        return StrategyOutcome(
            answer=chosen.text,
            candidates=candidates,
            chosen="" if chosen in combined else chosen.step,
            quality=chosen.quality,
            decisions=(decision,),
            path=self.timer.path(),
            notes=tuple(self.notes),
        )


class Mixture(Strategy):
    """Let models answer in layers, and combine the answers of the last one."""

    name: ClassVar[str] = "mixture"
    title: ClassVar[str] = "Mixture of agents"
    summary: ClassVar[str] = (
        "Models answer, then write better answers from everybody's, layer after layer; one model combines the"
        " last ones into the final answer."
    )
    answer_alone: ClassVar[bool] = False
    in_turn: ClassVar[bool] = False
    answer_word: ClassVar[str] = "Layer"
    Options: ClassVar[type[StrategyOptions]] = MixtureOptions

    def effort(self, options: StrategyOptions, panel: int) -> Effort:
        """Return how much is asked: all layers, and the aggregator."""
        given = parse_options(MixtureOptions, options.model_dump())
        if panel < FEWEST_COMBINED:
            return Effort(answers=(panel, panel), at_once=1, helping=judging(given, together=panel))
        again = (given.layers - 1) * panel
        combining = Help(model=given.aggregator or "", purpose=Purpose.AGGREGATE, calls=(0, 1), answers=panel)
        return Effort(
            answers=(panel, panel),
            at_once=panel,
            again=(again, again),
            helping=(combining, *judging(given, together=1)),
        )

    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
        """Answer `request` with what the aggregator writes from the last layer's answers."""
        options = parse_options(MixtureOptions, request.options)
        timer = StepTimer(context)
        scorer = Scorer.judged_by(options, request, panel, timer)
        run = _MixtureRun(request=request, options=options, panel=panel, timer=timer, scorer=scorer)
        with single_error():
            return await run.run()


STRATEGY = Mixture()
