"""The path of a run as bars on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Call, CallStatus
from orchestration.runs.selectors.run_state import RunState

WAITING = frozenset({StepKind.HUMAN, StepKind.RECEIVE, StepKind.WAIT})
"""Steps in which a run may stand still without a worker."""
WIDTH = 1000
NARROWEST = 3
STEPS_OF_AXIS = (1, 2, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class PathBar:
    """One call or decision. `x`, `width` and `first_token_x` are in units of a drawing `WIDTH` wide."""

    label: str
    detail: str
    status: str
    started_s: float
    seconds: float
    x: float
    width: float
    first_token_x: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on the axis."""

    seconds: float
    x: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Waterfall:
    """Bars from top to bottom in order of their start, and the axis they share."""

    bars: tuple[PathBar, ...]
    ticks: tuple[Tick, ...]
    seconds: float

    @property
    def grid(self) -> str:
        """The marks as one path of an SVG: every bar has them."""
        return " ".join(f"M{tick.x} 0V20" for tick in self.ticks)

    @property
    def grows(self) -> bool:
        """True while a call runs: its length is that of the moment in which the page was drawn."""
        return any(bar.status == CallStatus.RUNNING for bar in self.bars)


def elapsed_s(state: RunState, now: datetime) -> float | None:
    """Return the run's working seconds so far, None until it starts.

    Time without a worker, waiting for people or after a crash, does not count.
    """
    waited = any(step.kind in WAITING for step in state.steps)
    lost = any(call.status == CallStatus.LOST for call in state.calls)
    if state.run.started_at is not None and (waited or lost):
        return max(_ends(state, now))
    return state.run.working_seconds(now)


def waterfall(state: RunState, now: datetime, words: Callable[[str], str]) -> Waterfall:
    """Lay calls of models and tools, and decisions, out on one axis; `words` says what a step decided."""
    called = (event for event in state.remembered if event.kind == EventKind.TOOL_CALLED)
    tools = {event.step: str(event.data.get("tool")).replace("_", " ") for event in called}
    spans = [_span(call, now) for call in state.calls]
    marks = [(step.key, step.started_s) for step in state.steps if step.kind == StepKind.DECISION]
    whole = max([elapsed_s(state, now) or 0.0, *_ends(state, now)]) or 1.0
    bars = [_bar(call, started, seconds, whole) for call, started, seconds in spans]
    bars += [_mark(words(key), at, whole) for key, at in marks]
    bars += [
        _span_bar(tools[step.key], "tool", step.status, step.started_s, step.seconds, whole)
        for step in state.steps
        if step.key in tools
    ]
    bars.sort(key=lambda bar: bar.started_s)
    return Waterfall(bars=tuple(bars), ticks=tuple(_ticks(whole)), seconds=whole)


def span_waterfall(spans: Iterable[tuple[str, str, str, float, float]], whole: float) -> Waterfall:
    """Lay spans out on one axis: label, detail, status, start and length of each, in run seconds."""
    given = sorted(spans, key=lambda span: span[3])
    whole = max([whole, *(started + seconds for *_, started, seconds in given)]) or 1.0
    bars = tuple(_span_bar(*span, whole) for span in given)
    return Waterfall(bars=bars, ticks=tuple(_ticks(whole)), seconds=whole)


def _mark(moment: str, at: float, whole: float) -> PathBar:
    return PathBar(
        label=moment or "Decision",
        detail="",
        status="decision",
        started_s=at,
        seconds=0.0,
        x=_x(at, whole),
        width=NARROWEST,
    )


def _ends(state: RunState, now: datetime) -> list[float]:
    """Return when the calls and steps ended, in run seconds."""
    calls = [started + seconds for _, started, seconds in (_span(call, now) for call in state.calls)]
    return calls + [step.started_s + step.seconds for step in state.steps]


def _span(call: Call, now: datetime) -> tuple[Call, float, float]:
    """Return a call with its start and length; one still running reaches to the present."""
    running = call.status == CallStatus.RUNNING
    so_far = max(0.0, (now - call.started_at).total_seconds())
    return call, call.started_s, so_far if running else call.latency_s or 0.0


def _bar(call: Call, started: float, seconds: float, whole: float) -> PathBar:
    again = f", attempt {call.attempt}" if call.attempt > 1 else ""
    first = call.first_token_s
    bar = _span_bar(call.model, f"{call.asked_to}{again}", call.status, started, seconds, whole)
    seen = _x(started + first, whole) if first is not None and first < seconds else None
    return replace(bar, first_token_x=seen)


def _span_bar(label: str, detail: str, status: str, started: float, seconds: float, whole: float) -> PathBar:
    return PathBar(
        label=label,
        detail=detail,
        status=status,
        started_s=started,
        seconds=seconds,
        x=min(_x(started, whole), WIDTH - NARROWEST),
        width=max(NARROWEST, _x(seconds, whole)),
    )


def _x(seconds: float, whole: float) -> float:
    return round(min(seconds, whole) / whole * WIDTH, 1)


def _ticks(whole: float) -> Sequence[Tick]:
    """Return three to six round marks between the start and the end."""
    sizes = (step * 10.0**power for power in count(-6) for step in STEPS_OF_AXIS)
    step = next(size for size in sizes if whole / size <= 5)  # noqa: PLR2004  # five marks fit a phone
    return [Tick(seconds=step * n, x=_x(step * n, whole)) for n in range(int(whole / step) + 1)]
