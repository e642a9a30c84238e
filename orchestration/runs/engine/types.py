"""What every run is made of: frozen, keyword-only values.

Time is float seconds, scores run from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.llm.engine.types import Json


class StepStatus(StrEnum):
    """How a journaled step ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One stretch of the path an outcome took, seconds since the run's start."""

    step: str
    started_s: float
    seconds: float
    ok: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A choice with its options, their scores (where there are any) and the reason in words.

    `remarks` say more about single options.
    """

    kind: str
    chosen: str
    reason: str
    options: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run leaves: `answer` for people, `output` as plain JSON, `score` from 0 to 1 where there is one.

    `data` is the kind's own plain JSON, which its page reads. `path` is the stretches that it took.
    """

    answer: str
    output: Json = None
    score: float | None = None
    path: tuple[Step, ...] = ()
    data: Mapping[str, Json] = field(default_factory=dict)
