"""What a part of a run asked of models, as a run of the strategy that it used: a stage, or a participant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model

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
from orchestration.strategies.services.strategy_runs import NAME

PAGE = StrategyPage()
STATUSES = {"": RunStatus.RUNNING, StepStatus.DONE: RunStatus.SUCCEEDED}
"""The status of a part by that of its step; a step that failed or was cancelled has the same words."""
Row = TypeVar("Row", bound=Model)


def inner_run(
    state: RunState, step: str, written: Mapping[str, Json], now: datetime
) -> Mapping[str, Any] | None:
    """Return what a strategy's page shows of the child run at a step, None where that asked no models.

    `written` are the `strategy`, `models` and `options` that it was started with, as far as they are known.
    """
    child = Step.objects.filter(run_id=state.run.pk, key=f"{state.prefix}{step}", kind=StepKind.CHILD).first()
    inner = inside(state, f"{step}/")
    if child is None and not inner.calls:
        return None
    inner = replace(inner, run=_run(state.run, child, inner.calls, written))
    context = PAGE.context(inner, now)
    made = inner.recorded(EventKind.DECISION_MADE)
    decisions = [with_shares(each) for each in made if not PAGE.is_elsewhere(each, context)]
    return {**context, "run": inner.run, "decisions": decisions}


def inside(state: RunState, prefix: str) -> RunState:
    """Return what a run has below a prefix, with the steps as they are without it."""
    return replace(
        state,
        calls=_inside(state.calls, prefix),
        steps=_inside(state.steps, prefix, "key"),
        remembered=_inside(state.remembered, prefix),
        reused={
            key.removeprefix(prefix): found for key, found in state.reused.items() if key.startswith(prefix)
        },
        prefix=f"{state.prefix}{prefix}",
    )


def _run(run: Run, child: Step | None, calls: Iterable[Call], written: Mapping[str, Json]) -> Run:
    """Return the strategy's part of a run; `child` is its step once it has ended."""
    answering = [call.model for call in calls if call.purpose == Purpose.ANSWER]
    members = dict.fromkeys((*(written.get("models") or run.request.get("models") or ()), *answering))
    known = {entry["spec"]["name"] for entry in run.panel}
    result: Mapping[str, Json] = (child.result if child is not None else None) or {}
    ended = child.status if child is not None else StepStatus.CANCELLED if run.is_over else ""
    return Run(
        pk=run.pk,
        kind=NAME,
        ref=written.get("strategy") or SINGLE_MODEL_STRATEGY,
        request={"options": written.get("options") or {}},
        panel=[panel_entry(run.panel, name, role=PanelRole.MEMBER) for name in members if name in known],
        status=STATUSES.get(ended, ended),
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
