"""A processor at work on one stage in memory: the real journaled context, over a log that a test can kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from orchestration.llm.engine.types import Json, plain
from orchestration.runs.engine.claim import ChildRun, no_tools
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Outcome
from orchestration.runs.kinds import child_result
from orchestration.strategies.engine.fallback import answer
from orchestration.strategies.engine.strategy import Panel, get_strategy
from orchestration.strategies.services.strategy_runs import checked_request
from pipelines.engine.processor import (
    ActiveProcessor,
    Processor,
    ProcessorFailed,
    PureProcessor,
    RunInfo,
    StageResult,
    Work,
)
from pipelines.engine.scope import Scope
from tests.support.lives import Lives
from tests.support.models import ScriptedModel
from tests.support.tools import CountingTool


@dataclass
class StageWork:
    """A stage with one processor; each `run` is its whole life, through a crash and every parking.

    A child of the kind strategy is a real one over `models`; one of another kind echoes what it is given, and
    fails for the ref `fails`. A stage inside the options gives its item as `model` is told to answer it.
    """

    processor: Processor
    options: Mapping[str, Json]
    input: Json = None
    scope: Scope = field(default_factory=Scope)
    models: Sequence[ScriptedModel] = ()
    tool: CountingTool | None = None
    people: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[float, tuple[str, Json]] = field(default_factory=dict)
    children: list[tuple[str, str, Json, tuple[str, ...]]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)

    @cached_property
    def lives(self) -> Lives:
        """The run, made when it is first needed: it has a clock of the event loop."""
        tool = self.tool.find if self.tool is not None else no_tools
        return Lives(self.story, answers=self.answers, child=self.child, tool=tool)

    async def run(self, dies_at: int | None = None) -> StageResult:
        """Execute the stage to its end, dying once at write number `dies_at`."""
        result: StageResult = await self.lives.run(dies_at)
        return result

    async def story(self, context: RunContext) -> StageResult:
        """Execute one attempt at the stage."""
        work = self.work
        if isinstance(self.processor, PureProcessor):
            return self.processor.compute(work)
        assert isinstance(self.processor, ActiveProcessor)
        return await self.processor.execute(work, context.scoped("stage/1"))

    @property
    def work(self) -> Work:
        """What the processor is given."""
        return Work(
            stage="stage",
            options=self.processor.Options.model_validate(self.options),
            input=self.input,
            scope=self.scope,
            info=RunInfo(models=tuple(model.spec.name for model in self.models), people=self.people),
            run_stage=self._inline,
        )

    def child(self, kind: str, ref: str, panel: Sequence[str]) -> ChildRun:
        """Return what executes a child."""

        async def run(payload: Mapping[str, Json], context: RunContext) -> Json:
            self.children.append((kind, ref, payload, tuple(panel)))
            if kind != "strategy":
                if ref == "fails":
                    raise ProcessorFailed("It was meant to fail.", code="meant")
                return child_result(Outcome(answer="words", output=payload.get("input")))
            request, _ = checked_request({**payload, "strategy": ref, "models": tuple(panel)})
            known = {model.spec.name: Metered(model) for model in self.models}
            members = tuple(known[name] for name in panel)
            found = await answer(get_strategy(ref), request, Panel(members=members, helpers=known), context)
            score = found.quality.overall if found.quality and found.quality.judged else None
            return child_result(
                Outcome(answer=found.answer, output=found.answer, score=score, data=plain(found))
            )

        return run

    async def _inline(
        self, name: str, stage: Json, scope: Scope, context: RunContext, step: str
    ) -> StageResult:
        """Run the pipeline, or ask the first model about the item."""
        self.named.append(name)
        if stage["processor"] == "pipeline":
            given, panel = {"input": scope.context["item"]}, self.work.info.models
            ref = stage["options"]["name"]
            found = await context.run_child("pipeline", ref, given, panel=panel, step=f"{step}/run")
            return StageResult(value=found["output"])
        found = await context.run_child(
            "strategy",
            "sequential",
            {"text": f"{stage['options']['prompt']} {scope.context['item']} at {scope.context['index']}"},
            panel=[self.models[0].spec.name],
            step=f"{step}/model",
        )
        return StageResult(value=found["answer"])

    @property
    def asked(self) -> dict[str, int]:
        """How often each model was asked."""
        return {model.spec.name: model.count.started for model in self.models}

    def twin(self, **changes: Json) -> StageWork:
        """Return the same stage with a journal of its own."""
        return replace(self, children=[], named=[], **changes)
