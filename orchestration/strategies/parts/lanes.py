"""One lane per model of the panel: the state of its answer, its time, tokens and cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from statistics import fmean
from typing import Any, Self

from orchestration.llm.engine.types import MILLION, FinishReason, Json, Purpose
from orchestration.llm.services.panel import PanelRole
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Call, CallStatus, Run, RunStatus
from orchestration.runs.parts.differences import Piece, marked_differences
from orchestration.runs.selectors.run_state import RunState
from orchestration.strategies.engine.asking import answer_number, answer_step
from orchestration.strategies.engine.fallback import FALLBACK
from orchestration.strategies.engine.quality.rubrics import Dimension
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.engine.types import StrategyEvent
from orchestration.strategies.parts.tool_calls import ShownToolCall, tool_calls
from orchestration.strategies.selectors import strategy_name


class LaneState(StrEnum):
    """The state of a lane, with the name of the state whose `badge` it shows, and its `label` in words."""

    PENDING = "pending", "queued", "Not asked yet"
    WRITING = "writing", "running", "Writing"
    CALLING = "calling", "running", "Calling a tool"
    RETRYING = "retrying", "resumed", "Trying again"
    ANSWERED = "answered", "done", "Answered"
    UNUSABLE = "unusable", "declined", "Not usable"
    REUSED = "reused", "done", "Answered before"
    FAILED = "failed", "failed", "Failed"
    CANCELLED = "cancelled", "cancelled", "Cancelled"
    MISSING = "missing", "failed", "Not in time"
    LOST = "lost", "lost", "Lost"
    NOT_ASKED = "not_asked", "not_asked", "Not asked"

    badge: str
    label: str

    def __new__(cls, value: str, badge: str, label: str) -> Self:
        """Return the member of this value."""
        member = str.__new__(cls, value)
        member._value_, member.badge, member.label = value, badge, label
        return member


LARGEST_COMPARED = 40_000
"""Characters of two texts up to which a page marks how they differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """The lane of a model, whose frozen `spec` says where it is from.

    Money is None where the model has no price; `saved_usd` estimates what a cancelled call saved. A lane that
    `is_answer` has the text that the run answered with; the others say how they differ from it. `tries` are
    the attempts at what was asked last for the answer that is shown. Of `others`, such as earlier drafts,
    there are what each is called, the last call made for it, and its seconds.
    """

    number: int
    model: str
    spec: Mapping[str, Json]
    role: str
    state: LaneState
    call: str
    text: str
    error: str
    seconds: float | None
    first_token_s: float | None
    tokens: int
    cost_usd: Decimal | None
    saved_usd: Decimal | None
    quality: Mapping[str, Json] | None
    chosen: bool
    cut_short: bool
    attempts: Sequence[Call]
    tries: Sequence[Call] = ()
    tools: Sequence[ShownToolCall] = ()
    shown_label: str = ""
    others: Sequence[tuple[str, Call, float | None]] = ()
    is_answer: bool = False
    differences: tuple[Piece, ...] = ()

    @property
    def streams(self) -> bool:
        """True while text may still arrive."""
        return self.state is LaneState.WRITING

    @property
    def dimensions(self) -> list[tuple[str, float | None]]:
        """The five dimensions of the answer's quality, in their usual order."""
        return [(name.value, (self.quality or {}).get(name)) for name in Dimension]


def run_lanes(state: RunState) -> tuple[Lane, ...]:
    """Return the lanes of the panel in its order, then those of a fallback and a synthesis, if any."""
    specs = {entry["spec"]["name"]: entry["spec"] for entry in state.run.panel}
    joined = str((state.run.request.get("options") or {}).get("fallback_model") or "")
    members = member_names(state.run)
    decided = {made["kind"] for made in state.recorded(EventKind.DECISION_MADE)}
    if FALLBACK in decided and joined in specs and joined not in members:
        members.append(joined)
    writers = dict.fromkeys(call.model for call in state.calls if is_synthesis(call))
    asked = [(specs[name], Purpose.ANSWER) for name in members]
    asked += [(specs.get(name, {"name": name}), Purpose.AGGREGATE) for name in writers]
    panel = _PanelState(state)
    return tuple(panel.lane(number, *each) for number, each in enumerate(asked))


def member_names(run: Run) -> list[str]:
    """Return the names of the models of the panel, without those that only help, in order."""
    members = (entry for entry in run.panel if entry.get("role", PanelRole.MEMBER) == PanelRole.MEMBER)
    return [entry["spec"]["name"] for entry in members]


def beside_answer(lanes: Sequence[Lane], answer: str) -> tuple[Lane, ...]:
    """Return the lanes of a run that is over: the answer's first, the others compared with its text."""
    marked = [_compared(lane, answer) for lane in lanes]
    return tuple(sorted(marked, key=lambda lane: not lane.chosen))


def _compared(lane: Lane, answer: str) -> Lane:
    if lane.chosen and lane.text == answer:
        return replace(lane, is_answer=True)
    if not (lane.text and answer) or len(lane.text) + len(answer) > LARGEST_COMPARED:
        return lane
    return replace(lane, differences=tuple(marked_differences(answer, lane.text)))


def is_synthesis(call: Call) -> bool:
    """Return whether a call combines answers, other than one by which a member answers again."""
    return call.purpose == Purpose.AGGREGATE and not _is_answer(call)


def _is_answer(call: Call) -> bool:
    """Return whether a call asks a member of the panel for an answer, for the first time or again."""
    again = call.purpose == Purpose.AGGREGATE and answer_number(call.step) > 1
    return call.purpose == Purpose.ANSWER or again


class _PanelState:
    """The rows and events of a run by model, looked up once for all lanes."""

    def __init__(self, state: RunState) -> None:
        outcome: dict[str, Any] = state.run.outcome or {}
        self._state = state
        strategy = all_strategies().get(strategy_name(state.run))
        self._word = strategy.answer_word if strategy is not None else "Answer"
        self._ended = {step.key for step in state.steps}
        self._scores = {
            event.data.get("step", event.step): event.data
            for event in state.remembered
            if event.kind == StrategyEvent.CANDIDATE_SCORED
        }
        self._reused = {  # a model answers before it judges, so its first reused call is its answer
            event.data["model"]: event.step
            for event in reversed(state.remembered)
            if event.kind == EventKind.ANSWER_REUSED
        }
        self._tools = tool_calls(state)
        self._chosen = chosen_names(state)
        self._synthesised = bool(outcome.get("answer")) and not outcome.get("chosen")

    def lane(self, number: int, spec: Mapping[str, Json], purpose: Purpose) -> Lane:
        """Return the lane of one model."""
        model = spec["name"]
        is_lane = _is_answer if purpose == Purpose.ANSWER else is_synthesis
        calls = [call for call in self._state.calls if call.model == model and is_lane(call)]
        candidate = self._candidate(model) if purpose == Purpose.ANSWER else {}
        shown, others = self._answers(calls, candidate)
        last = shown[-1] if shown else None
        step = last.step if last else candidate.get("step") or self._reused.get(model, "")
        quality = self._quality(step, candidate)
        state = self._lane_state(model, last, candidate)
        if state is LaneState.ANSWERED and quality and not quality.get("usable", True):
            state = LaneState.UNUSABLE
        costs = [call.cost_usd for call in calls if call.cost_usd is not None]
        tools = self._tools.get(answer_step(step), ()) if purpose == Purpose.ANSWER else ()
        return Lane(
            number=number,
            model=model,
            spec=spec,
            role="synthesis" if purpose == Purpose.AGGREGATE else "",
            state=state,
            call=str(last.pk) if last else "",
            text=self._text(model, last, candidate),
            error=(last.error if last else "") or str(candidate.get("error") or ""),
            seconds=_seconds(shown) if shown else None,
            first_token_s=last.first_token_s if last else None,
            tokens=sum(call.input_tokens + call.output_tokens for call in calls),
            cost_usd=sum(costs, Decimal(0)) if costs else None,
            saved_usd=self._saved(spec) if state is LaneState.CANCELLED else None,
            quality=quality,
            chosen=bool({step, model} & self._chosen) if purpose == Purpose.ANSWER else self._synthesised,
            cut_short=bool(last and last.finish == "length"),
            attempts=calls,
            tries=[call for call in shown if call.step == step],
            tools=tools,
            shown_label=self._label(step),
            others=others,
        )

    def _candidate(self, model: str) -> Mapping[str, Json]:
        """Return the candidate that a lane shows: the chosen one, else the last judged one, else the last."""
        outcome: Mapping[str, Json] = self._state.run.outcome or {}
        own = [each for each in outcome.get("candidates", ()) if each["model"] == model]
        chosen = [each for each in own if each.get("step") in self._chosen]
        answers = [each for each in own if each.get("state") == "answered"]
        judged = [each for each in answers if (each.get("quality") or {}).get("judged")]
        return next(iter([*chosen, *judged[::-1], *answers[::-1], *own[::-1]]), {})

    def _answers(
        self, calls: Sequence[Call], candidate: Mapping[str, Json]
    ) -> tuple[Sequence[Call], Sequence[tuple[str, Call, float | None]]]:
        """Return the calls of the answer that is shown, and the other answers of the model."""
        groups: dict[str, list[Call]] = defaultdict(list)
        for call in calls:
            groups[answer_step(call.step)].append(call)
        step = answer_step(str(candidate.get("step") or ""))
        shown = groups.pop(step if step in groups or not calls else answer_step(calls[-1].step), [])
        return shown, [(self._label(step), group[-1], _seconds(group)) for step, group in groups.items()]

    def _label(self, step: str) -> str:
        """Return what an answer is called among those of its model."""
        of = "Fallback" if step.startswith(f"{FALLBACK}/") else self._word
        return f"{of} {answer_number(step)}"

    def _lane_state(self, model: str, last: Call | None, candidate: Mapping[str, Json]) -> LaneState:
        ended = candidate.get("state")
        if last is None:
            return self._state_without_call(model, candidate)
        if ended == "missing":
            return LaneState.MISSING
        if last.status == CallStatus.RUNNING:
            return LaneState.WRITING
        if last.finish == FinishReason.TOOL_CALLS and ended != "answered":  # it called tools last
            stopped = LaneState.FAILED if ended == "failed" else LaneState.CANCELLED
            return stopped if candidate or self._state.run.is_over else LaneState.CALLING
        status = CallStatus(last.status)
        state = LaneState.ANSWERED if status is CallStatus.DONE else LaneState[status.name]
        tries_again = state in {LaneState.FAILED, LaneState.LOST} and not self._state.run.is_over
        return LaneState.RETRYING if tries_again and last.step not in self._ended else state

    def _state_without_call(self, model: str, candidate: Mapping[str, Json]) -> LaneState:
        if model in self._reused or candidate.get("cached"):
            return LaneState.REUSED
        if candidate.get("state") == "failed":
            return LaneState.FAILED
        return LaneState.NOT_ASKED if self._state.run.is_over else LaneState.PENDING

    def _text(self, model: str, last: Call | None, candidate: Mapping[str, Json]) -> str:
        if last is not None and (last.text or last.status == CallStatus.RUNNING):
            return last.text
        reused: Mapping[str, Json] = self._state.reused.get(self._reused.get(model, "")) or {}
        return str(reused.get("text") or candidate.get("text") or "")

    def _quality(self, step: str, candidate: Mapping[str, Json]) -> Mapping[str, Json] | None:
        """Return the estimate of the answer: from the outcome, else from the events."""
        final: Mapping[str, Json] | None = candidate.get("quality")
        event = self._scores.get(step)
        return final or (event and {**event, **event.get("dimensions", {})})

    def _saved(self, spec: Mapping[str, Json]) -> Decimal | None:
        """Return what an answer as long as the others would have cost, the longest one if there are none."""
        prices = spec.get("prices")
        if not prices or self._state.run.status == RunStatus.FAILED:
            return None
        lengths = [c.output_tokens for c in self._state.calls if c.status == CallStatus.DONE]
        expected = round(fmean(lengths)) if lengths else int(spec.get("max_output_tokens", 0))
        return expected * Decimal(str(prices["output_per_million"])) / MILLION


def _seconds(calls: Sequence[Call]) -> float | None:
    """Return how long an answer took by its last call, with the rounds and the tool calls that led to it."""
    first, last = calls[0], calls[-1]
    if last.latency_s is None:
        return None
    before = 0.0 if first.step == last.step else last.started_s - first.started_s
    return before + last.latency_s


def chosen_names(state: RunState) -> set[str]:
    """Return the step or the model of the chosen candidate; empty as long as none is chosen."""
    if state.run.outcome:
        return {state.run.outcome["chosen"]} - {""}
    if any(map(is_synthesis, state.calls)):
        return set()  # the aggregator may be a member of the panel, too
    made = state.recorded(EventKind.DECISION_MADE)
    picked = [decision["chosen"] for decision in made if decision["kind"] == "select"]
    return set(picked[-1:])
