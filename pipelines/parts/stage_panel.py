"""One stage of a run with all that is known of it: its values, its error, the models that it asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model

from orchestration.graphs.scheduling import EndStatus
from orchestration.llm.engine.types import Json, Purpose
from orchestration.llm.services.panel import PanelRole
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import EventKind, StepStatus
from orchestration.runs.kinds import panel_entry
from orchestration.runs.models import Call, Run, RunStatus, Step
from orchestration.runs.parts.run_view import with_shares
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.fallback import SINGLE_MODEL_STRATEGY
from orchestration.strategies.parts.strategy_page import StrategyPage
from pipelines.engine.definition import Pipeline
from pipelines.parts.run_stages import RunStage, RunStages

SHORT = 600
"""Characters of a value up to which it stands open."""
STRATEGY = StrategyPage()
STATUSES = {
    "": RunStatus.RUNNING,
    StepStatus.DONE: RunStatus.SUCCEEDED,
    StepStatus.FAILED: RunStatus.FAILED,
    StepStatus.CANCELLED: RunStatus.CANCELLED,
}
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class ShownValue:
    """A value as a page shows it."""

    value: Json

    @cached_property
    def markdown(self) -> str:
        """The value as Markdown: a text as it is, anything else as JSON, which pages show in colours."""
        if self.is_text:
            return str(self.value)
        return f"```json\n{json.dumps(self.value, ensure_ascii=False, indent=2)}\n```"

    @property
    def is_text(self) -> bool:
        """True for a text; other values have a button of their own to copy them."""
        return isinstance(self.value, str)

    @property
    def length(self) -> str:
        """How many characters it has."""
        return f"{len(self.markdown):,}"

    @property
    def is_short(self) -> bool:
        """True where it may stand open."""
        return len(self.markdown) <= SHORT


@dataclass(frozen=True, kw_only=True)
class StagePanel:
    """A stage with all that is known: `row` is what the run recorded of it, empty until it has ended.

    `before` is its output in the run that this one repeats, where that was another. `above` are the stages
    that it lies below, `inner` the stages and items right below it; `model` is what a strategy's page shows
    where it asked models.
    """

    stage: RunStage
    row: Mapping[str, Json]
    before: ShownValue | None
    above: Sequence[RunStage]
    inner: Sequence[RunStage]
    model: Mapping[str, Any] | None

    @cached_property
    def input(self) -> ShownValue | None:
        """What it worked on, None where that is nothing."""
        value = self.row.get("input")
        return None if value is None else ShownValue(value)

    @cached_property
    def output(self) -> ShownValue | None:
        """What it gave, None where it did not succeed."""
        gave = self.row.get("status") == EndStatus.SUCCEEDED
        return ShownValue(self.row["output"]) if gave else None

    @property
    def goes_to(self) -> str:
        """The stage or the pipeline that follows its failure."""
        return self.stage.handled.partition(":")[2]

    @property
    def is_own(self) -> bool:
        """True for a stage of the run's own pipeline: from there a run can be resumed."""
        return "/" not in self.stage.key


def stage_panel(
    state: RunState, pipeline: Pipeline, stages: RunStages, key: str, now: datetime
) -> StagePanel | None:
    """Return a stage with all that is known of it, None where the run has no such stage."""
    if key not in stages:
        return None
    row = stage_row(state.run.pk, key)
    earlier = stage_row(state.run.rerun_of_id, key) if row else {}
    changed = earlier.get("status") == EndStatus.SUCCEEDED and earlier["output"] != row["output"]
    return StagePanel(
        stage=stages.stage(key),
        row=row,
        before=ShownValue(earlier["output"]) if changed else None,
        above=stages.above(key),
        inner=stages.inner(key),
        model=_Asked(state, pipeline, key, row).shown(stages.calls(key), now),
    )


def stage_row(run: UUID | None, key: str) -> Mapping[str, Json]:
    """Return what a run recorded of a stage that has ended, nothing before."""
    rows = Step.objects.filter(run=run, key=key, kind=StepKind.RECORD, result__has_key="stage")
    found: Mapping[str, Json] | None = rows.values_list("result", flat=True).first()
    return found or {}


@dataclass(frozen=True)
class _Asked:
    """What a stage asked of models, as a run of the strategy that it used."""

    state: RunState
    pipeline: Pipeline
    key: str
    row: Mapping[str, Json]

    def shown(self, calls: Sequence[Call], now: datetime) -> Mapping[str, Any] | None:
        """Return what a strategy's page shows of the newest attempt, None where that asked no models."""
        newest = self.row.get("attempts") or max((self._attempt(call) for call in calls), default=0)
        prefix, state = f"{self.key}/{newest}/model/", self.state
        child = Step.objects.filter(run_id=state.run.pk, key=prefix[:-1], kind=StepKind.CHILD).first()
        asked = _inside(calls, prefix)
        if child is None and not asked:
            return None
        reused = {step: found for step, found in state.reused.items() if step.startswith(prefix)}
        state = replace(
            state,
            run=self._run(child, asked),
            calls=asked,
            steps=_inside(state.steps, prefix, "key"),
            remembered=_inside(state.remembered, prefix),
            reused={step.removeprefix(prefix): found for step, found in reused.items()},
        )
        context = STRATEGY.context(state, now)
        made = [event.data for event in state.remembered if event.kind == EventKind.DECISION_MADE]
        shown = [with_shares(each) for each in made if not STRATEGY.is_elsewhere(each, context)]
        return {**context, "run": state.run, "decisions": shown}

    def _attempt(self, call: Call) -> int:
        number = call.step.removeprefix(f"{self.key}/").partition("/")[0]
        return int(number) if number.isdecimal() else 0

    def _run(self, child: Step | None, calls: Sequence[Call]) -> Run:
        """Return the strategy's part of the run; `child` is its step once it has ended."""
        run = self.state.run
        written = next((stage.options for stage in self.pipeline.stages if stage.id == self.key), {})
        details = self.row.get("details") or {}
        answering = [call.model for call in calls if call.purpose == Purpose.ANSWER]
        members = dict.fromkeys((*(written.get("models") or run.request.get("models") or ()), *answering))
        known = {entry["spec"]["name"] for entry in run.panel}
        result: Mapping[str, Json] = (child.result if child is not None else None) or {}
        ended = child.status if child is not None else StepStatus.CANCELLED if run.is_over else ""
        return Run(
            pk=run.pk,
            kind="strategy",
            ref=details.get("strategy") or written.get("strategy") or SINGLE_MODEL_STRATEGY,
            request={"options": written.get("options") or {}},
            panel=[panel_entry(run.panel, name, role=PanelRole.MEMBER) for name in members if name in known],
            status=STATUSES[ended],
            answer=result.get("answer") or "",
            outcome=result.get("data"),
        )


def _inside(rows: Iterable[Row], prefix: str, name: str = "step") -> tuple[Row, ...]:
    """Return copies of the rows of steps below a prefix, with their steps as they are without it."""
    found = []
    for row in rows:
        data = getattr(row, "data", {})
        step = str(data.get("step") or getattr(row, name))
        if step.startswith(prefix):
            inner, step = copy(row), step.removeprefix(prefix)
            changed = {name: step} | ({"data": {**data, "step": step}} if "step" in data else {})
            for each, value in changed.items():
                setattr(inner, each, value)
            found.append(inner)
    return tuple(found)
