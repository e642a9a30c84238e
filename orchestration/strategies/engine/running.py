"""What runs of all strategies share: the request and its options, the steps, and how they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Prompt
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LimitReached
from orchestration.runs.engine.types import Decision
from orchestration.strategies.engine.asking import StepTimer, announce, answer_prompt, read_candidate
from orchestration.strategies.engine.belief.reading import QuestionTraits, question_traits
from orchestration.strategies.engine.deciding import Selection, no_answer_error
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.options import AnswerOptions, parse_options
from orchestration.strategies.engine.quality.assessing import Scorer
from orchestration.strategies.engine.quality.scoring import quoted
from orchestration.strategies.engine.rounds import Stop, single_error
from orchestration.strategies.engine.strategy import Panel, Strategy
from orchestration.strategies.engine.types import (
    Candidate,
    Consensus,
    Request,
    StrategyOutcome,
    answered_candidates,
    counted,
    is_usable,
)


@dataclass(kw_only=True, slots=True)
class StrategyRun(ABC):
    """The state of one run: the last early `stop` of a round; `decisions` and `notes` so far."""

    request: Request
    options: AnswerOptions
    panel: Panel
    timer: StepTimer
    scorer: Scorer
    stop: Stop | None = None
    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @abstractmethod
    async def run(self) -> StrategyOutcome:
        """Do what the strategy does."""

    @property
    def context(self) -> RunContext:
        """The context of the run."""
        return self.timer.context

    @property
    def prompt(self) -> Prompt:
        """The question as the members of the panel are asked it."""
        return answer_prompt(self.request, self.options)

    @property
    def question(self) -> QuestionTraits:
        """What is known of the question."""
        request = self.request
        return question_traits(request.text, request.system, recompute=self.options.recompute)

    @property
    def least(self) -> float:
        """The least quality that the request asks for."""
        return self.request.constraints.min_quality or 0.0

    async def announce(self, decision: Decision, step: str) -> None:
        """Emit a decision, and keep it for the outcome."""
        self.decisions.append(decision)
        await announce(self.context, decision, step)

    async def note_stop(self, stop: Stop | None) -> None:
        """Keep and emit the early end of a round, if it was one."""
        self.stop = stop
        if stop is not None:
            self.notes.append(stop.sentence)
            await self.announce(stop.decision, "stop")

    async def ask(self, model: ChatModel) -> Candidate:
        """Return a member's answer to the question, or the candidate that failed. Raises `LimitReached`."""
        return await ask_member(model, self.prompt, self.timer, request=self.request)

    async def ask_helper(self, helper: ChatModel, prompt: Prompt, step: str) -> Completion | str:
        """Return what a helper (aggregator, critic, classifier) replies, or the words of why it does not."""
        try:
            with self.timer.step(step, helper.spec.name):
                return await self.context.ask(helper, prompt, step)
        except (ModelError, LimitReached) as error:
            return str(error)

    def require_answers(self, candidates: Sequence[Candidate]) -> None:
        """Refuse to go on without a usable answer. Raises `AllModelsFailed`, `NoUsableAnswer`, ..."""
        if not any(map(is_usable, candidates)):
            raise no_answer_error(candidates, self.stop)

    async def conclude(
        self,
        selection: Selection,
        candidates: Sequence[Candidate],
        *,
        combined: Sequence[Candidate] = (),
        consensus: Consensus | None = None,
    ) -> StrategyOutcome:
        """Return the outcome of what is selected among candidates and what was `combined` from them.

        The choice is journaled first; one that is journaled already is kept. Raises `NoUsableAnswer`.
        """
        self.require_answers(candidates)
        with self.timer.step("select"):
            among = (*answered_candidates(candidates), *combined)
            kept = Selection(**await self.context.decide("select", asdict(selection)))
            chosen = next(each for each in among if each.step == kept.step)
            judged = {each.model: each.quality for each in among if each.quality and each.quality.judged}
            decision = Decision(
                kind="select",
                chosen=chosen.model,
                reason=kept.reason,
                options=tuple(each.model for each in among),
                scores={model: quality.overall for model, quality in judged.items()},
            )
            await self.announce(decision, "select")
        self.notes += self._recomputed(chosen, among)
        return StrategyOutcome(
            answer=chosen.text,
            candidates=tuple(candidates),
            chosen="" if chosen in combined else chosen.step,
            consensus=consensus,
            quality=chosen.quality,
            decisions=tuple(self.decisions),
            path=self.timer.path(),
            notes=tuple(self.notes),
        )

    def _recomputed(self, chosen: Candidate, among: Sequence[Candidate]) -> list[str]:
        """Return what the question comes to by computation, if that is known, and how many answers say so."""
        result = self.question.result
        if result is None:
            return []
        says = {each.step: read_candidate(each, self.request.text).says(result) for each in among}
        yes = sum(map(bool, says.values()))
        words = f"{yes} of {counted(len(says), 'answer')} clearly {'says' if yes == 1 else 'say'} so"
        if not yes:
            words = "no answer clearly says so"
        elif not says[chosen.step]:
            words += ", but not the one that was chosen"
        return [f"Recomputed step by step, the result is {quoted(result.raw)}: {words}."]


class PanelStrategy(Strategy):
    """A strategy each of whose runs is a `Run`, and asks models at once unless it says otherwise."""

    in_turn: ClassVar[bool] = False
    Options: ClassVar[type[AnswerOptions]]
    Run: ClassVar[type[StrategyRun]]

    async def run(self, request: Request, panel: Panel, context: RunContext) -> StrategyOutcome:
        """Answer `request` as its run does. Raises what went wrong first, where several models are asked."""
        options, timer = parse_options(self.Options, request.options), StepTimer(context)
        scorer = Scorer.judged_by(options, request, panel, timer)
        run = self.Run(request=request, options=options, panel=panel, timer=timer, scorer=scorer)
        with single_error():
            return await run.run()
