"""The stages of a run as its page shows them: the state, time and cost of each, and all that is known of one.

A stage is known by its key in the run: its name, or that of a stage below another, as in
`check/1/run/draft` (a stage of a pipeline in a stage) or `each/1/item-0` (an item of a list).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import F

from orchestra_site.web.templatetags.text import duration
from orchestra_site.web.templatetags.ui import LOOKS
from orchestration.graphs.scheduling import EndStatus
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.records import StepKind
from orchestration.runs.models import OPEN_STATUSES, Call, RunStatus, Step
from orchestration.runs.parts.graphs import NodeMark
from orchestration.runs.parts.values import ShownValue
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.parts.inner_runs import inner_run
from pipelines.engine.definition import Pipeline
from pipelines.engine.stages import STAGE_STARTED

COLUMNS = ("processor", "edited", "attempts", "handled", "started_s", "seconds")
MOST_INNER = 200
ITEM = "item-"
SHORTEST_S = 0.005
"""Seconds from which on a graph tells what a stage took."""
CACHED, NOT_RUN = "cached", "not_run"
WORTH_A_LOOK = (EndStatus.FAILED.value, RunStatus.WAITING.value, RunStatus.RUNNING.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStage:
    """A stage of a run. Times are run seconds, None until it has ended; its cost is that of all below it."""

    key: str
    state: str
    processor: str = ""
    attempts: int = 0
    edited: bool = False
    handled: str = ""
    kept: bool = False  # it ran in the run that this one repeats, and not again
    started_s: float = 0.0
    seconds: float | None = None
    calls: int = 0
    cost_usd: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        """The name of a stage; of an item of a list its number, with the stage that works on it, if any."""
        parts = self.key.split("/")
        numbers = [part.removeprefix(ITEM) for part in parts if part.startswith(ITEM)]
        item = next((f"Item {int(number) + 1}" for number in reversed(numbers) if number.isdecimal()), "")
        own = parts[-1] if not item or not parts[-1].startswith(ITEM) else ""
        return " · ".join(filter(None, (item, own)))

    @property
    def is_open(self) -> bool:
        """True as long as it has not ended, and still may."""
        return self.state in OPEN_STATUSES

    @property
    def word(self) -> str:
        """Its state."""
        return "Not yet" if self.state == RunStatus.QUEUED else LOOKS[self.state].word

    @property
    def mark(self) -> NodeMark:
        """What the graph says of it."""
        took = (self.attempts and self.seconds) or 0.0
        when = " earlier" if self.kept else f" · {duration(took)}" if took >= SHORTEST_S else ""
        return NodeMark(state=self.state, words=self.word + when)


class RunStages:
    """The stages of a run: those of its pipeline as they are written, and those below them."""

    def __init__(self, state: RunState, pipeline: Pipeline) -> None:
        self._state = state
        rows = Step.objects.filter(run_id=state.run.pk, kind=StepKind.RECORD, result__has_key="stage")
        fields = {f"of_{name}": F(f"result__{name}") for name in (*COLUMNS, "status", "cached")}
        columns: Iterable[Mapping[str, Any]] = rows.order_by("id").values("key", "started_s", **fields)
        self._rows = {row["key"]: row for row in columns}
        self._started = {event.step for event in state.remembered if event.kind == STAGE_STARTED}
        names = [stage.id for stage in pipeline.stages]
        self._keys = dict.fromkeys((*names, *self._rows, *sorted(self._started)))
        self._calls = self._calls_below()
        self.own = tuple(map(self.stage, names))

    def __contains__(self, key: str) -> bool:
        """Return whether the run has, or will have, a stage."""
        return key in self._keys

    @property
    def marks(self) -> Mapping[str, NodeMark]:
        """What the graph says of the stages."""
        return {stage.key: stage.mark for stage in self.own}

    @property
    def focus(self) -> str:
        """The stage to look at: one that failed, waits or runs, else the last that ended; "" for none."""
        for state in WORTH_A_LOOK:
            for stage in self.own:
                if stage.state == state and not stage.handled:
                    return stage.key
        ran = [stage for stage in self.own if stage.seconds is not None and stage.attempts and not stage.kept]
        return max(ran, key=lambda stage: stage.started_s + (stage.seconds or 0.0)).key if ran else ""

    def stage(self, key: str) -> RunStage:
        """Return a stage that the run has."""
        calls, row = self._calls.get(key, ()), self._rows.get(key)
        return RunStage(
            key=key,
            state=self._state_of(key),
            kept=bool(self._state.run.rerun_of_id and row and row["of_attempts"] and not row["started_s"]),
            calls=len(calls),
            cost_usd=sum((call.cost_usd for call in calls if call.cost_usd is not None), Decimal(0)),
            **({name: row[f"of_{name}"] for name in COLUMNS} if row else {}),
        )

    def above(self, key: str) -> tuple[RunStage, ...]:
        """Return the stages that one lies below, the outermost first."""
        return tuple(self.stage(each) for each in _above(key) if each in self._keys)

    def inner(self, key: str) -> tuple[RunStage, ...]:
        """Return the stages and items right below a stage."""
        below = {each for each in self._keys if each.startswith(f"{key}/")}
        right_below = [each for each in below if below.isdisjoint(_above(each))]
        return tuple(map(self.stage, sorted(right_below, key=_in_order)[:MOST_INNER]))

    def calls(self, key: str) -> list[Call]:
        """Return the calls of a stage and of all below it."""
        return self._calls.get(key, [])

    def _state_of(self, key: str) -> str:
        row, is_started = self._rows.get(key), key in self._started
        if row and (is_started or row["of_status"] != EndStatus.CANCELLED):
            return CACHED if row["of_cached"] else str(row["of_status"])
        if row or self._state.run.is_over:
            return EndStatus.CANCELLED if is_started else NOT_RUN
        if any(question.step.startswith(f"{key}/") for question in self._state.questions):
            return RunStatus.WAITING.value
        return RunStatus.RUNNING.value if is_started else RunStatus.QUEUED.value

    def _calls_below(self) -> Mapping[str, list[Call]]:
        """Return the calls by the stages that they lie below."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self._state.calls:
            for above in _above(call.step):
                if above in self._keys:
                    found[above].append(call)
        return found


def _above(step: str) -> Iterator[str]:
    """Yield the keys above a step, the longest last."""
    parts = step.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))


def _in_order(key: str) -> tuple[tuple[int, str], ...]:
    """Return what puts the second item before the tenth."""
    return tuple((len(part) if part.startswith(ITEM) else 0, part) for part in key.split("/"))


@dataclass(frozen=True, kw_only=True)
class StagePanel:
    """A stage with all that is known: `row` is what the run recorded of it, empty until it has ended.

    `before` is its output in the run that this one repeats, where that was another. `above` are the stages
    that it lies below, `inner` the stages and items right below it; `model` is what a strategy's page shows
    where its newest attempt asked models.
    """

    stage: RunStage
    row: Mapping[str, Json]
    before: ShownValue | None
    above: tuple[RunStage, ...]
    inner: tuple[RunStage, ...]
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
    def anchor(self) -> str:
        """What the ids of its elements begin with: a page may show two stages."""
        return "stage-" + self.stage.key.replace("/", "-")

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
    numbers = (call.step.removeprefix(f"{key}/").partition("/")[0] for call in stages.calls(key))
    newest = row.get("attempts") or max((int(each) for each in numbers if each.isdecimal()), default=0)
    written = next((stage.options for stage in pipeline.stages if stage.id == key), {})
    used = {name: value for name, value in (row.get("details") or {}).items() if name == "strategy" and value}
    return StagePanel(
        stage=stages.stage(key),
        row=row,
        before=ShownValue(earlier["output"]) if changed else None,
        above=stages.above(key),
        inner=stages.inner(key),
        model=inner_run(state, f"{key}/{newest}/model", {**written, **used}, now),
    )


def stage_row(run: UUID | None, key: str) -> Mapping[str, Json]:
    """Return what a run recorded of a stage that has ended, nothing before."""
    rows = Step.objects.filter(run=run, key=key, kind=StepKind.RECORD, result__has_key="stage")
    found: Mapping[str, Json] | None = rows.values_list("result", flat=True).first()
    return found or {}
