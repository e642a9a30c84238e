"""What a run of any kind comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.engine.types import Json, Step


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
