"""What all parts of one claim of one run share: dependencies, limits, and what earlier claims left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import NOTHING_SPENT, Ledger, Limits, Spent
from orchestration.runs.engine.control import LINGER_S, RunControl
from orchestration.runs.engine.records import RunLog, StepKind, StepRecord
from orchestration.runs.engine.types import Received, Timing

if TYPE_CHECKING:
    from orchestration.runs.engine.context import RunContext

ChildRun = Callable[[Mapping[str, Json], "RunContext"], Awaitable[Json]]
StartChild = Callable[[str, str, Sequence[str]], ChildRun]
"""Returns what runs a child of a kind, a ref and the names of its panel's models."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayState:
    """What earlier claims left: ended steps, emitted events, people's answers, what was spent, run time used.

    `timers` are the moments until which pending steps and questions wait, None for one without such a moment;
    `messages` are those that no step received.
    """

    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    emitted: frozenset[str] = frozenset()
    answers: Mapping[str, Json] = field(default_factory=dict)
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    messages: Sequence[Received] = ()
    spent: Spent = NOTHING_SPENT
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependencies:
    """What a run's context reaches the world through."""

    log: RunLog
    clock: Callable[[], float]
    wall_clock: Callable[[], datetime]
    new_id: Callable[[], str]
    child: StartChild
    linger_s: float = LINGER_S


class ClaimState:
    """What all parts of one claim of one run share."""

    def __init__(self, *, dependencies: Dependencies, limits: Limits, replay: ReplayState, seed: int) -> None:
        received = [step.result for step in replay.steps.values() if step.kind is StepKind.RECEIVE]
        self.control = RunControl(
            dependencies.clock,
            linger_s=dependencies.linger_s,
            answers=replay.answers,
            messages=replay.messages,
            newest=max((result["number"] for result in received if result), default=0),
        )
        self.dependencies = dependencies
        self.limits = limits
        self.replay = replay
        self.ledger = Ledger(limits, replay.spent)
        self.random = Random(seed)  # noqa: S311  # repeatable on purpose: the same draws on replay
        self.zero = dependencies.clock() - replay.seconds
        self.seen: set[str] = set()
        self.emitted = set(replay.emitted)
        self.timings: dict[str, Timing] = {}
