"""How a stage ended: what its row keeps, what others read of it, what its own rule makes of an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import MappingError
from orchestration.expressions.sources import MissingValue
from orchestration.expressions.values import shortened, size
from orchestration.graphs.scheduling import Ending, EndStatus
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Stage
from pipelines.engine.rules import DefaultValue, GoTo

STAGE_FAULTS = (EngineError, ExpressionError, MappingError, MissingValue)
"""What a stage may fail with."""
LARGEST_SHOWN = 200_000
"""Items and characters of a value that a stage's row keeps whole."""


class StageFault(NamedTuple):
    """Why a stage failed: a stable code, a sentence, and the field of the stage that it failed at."""

    code: str
    message: str
    path: str = ""


@dataclass(kw_only=True, slots=True)
class StageEnd(Ending):
    """How a stage ended, as its row and the stages after it have it. Times are run seconds.

    It is filled in while the stage runs; `attempts` is 0 until there was one. `size` is that of the output,
    in items and characters, counted until it is too large to be shown. `result` is what the processor gave,
    where transforms made something else of it.
    """

    status: EndStatus = EndStatus.SUCCEEDED
    input: Json = None
    output: Json = None
    attempts: int = 0
    cached: bool = False
    edited: bool = False
    fault: StageFault | None = None
    reason: str = ""
    handled: str = ""
    score: float | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    started_s: float = 0.0
    seconds: float = 0.0
    size: int = 0
    result: Json = None

    @property
    def breaks(self) -> bool:
        """Whether the pipeline fails by it."""
        return self.status is EndStatus.FAILED and not self.passes and not self.jumps

    @property
    def known(self) -> Mapping[str, Json]:
        """What other stages can read of it."""
        found: dict[str, Json] = {"status": str(self.status)}
        if self.status is EndStatus.SUCCEEDED:
            found["output"], found["score"] = self.output, self.score
        if self.fault is not None:
            found["error"] = {"code": self.fault.code, "message": self.fault.message}
        return found

    def row(self, stage: Stage) -> dict[str, Json]:
        """Return the row of the stage, with large values shortened."""
        row: dict[str, Json] = {
            "stage": stage.id,
            "processor": stage.processor,
            "status": str(self.status),
            "attempts": self.attempts,
            "cached": self.cached,
            "edited": self.edited,
            "input": self.input,
            "output": self.output,
            "error": self.fault and self.fault._asdict(),
            "reason": self.reason,
            "handled": self.handled,
            "score": self.score,
            "chosen": sorted(self.chosen) if self.chosen else [],
            "started_s": self.started_s,
            "seconds": self.seconds,
            "details": self.details,
        }
        sizes = {"input": size(self.input, LARGEST_SHOWN), "output": self.size}
        if self.result is not None:
            row["result"], sizes["result"] = self.result, size(self.result, LARGEST_SHOWN)
        if max(sizes.values()) > LARGEST_SHOWN:
            large = [name for name, counted in sizes.items() if counted > LARGEST_SHOWN]
            row |= {name: shortened(row[name], LARGEST_SHOWN // 100) for name in large}
            row["shortened"] = large
        return row

    def fail(self, stage: Stage, error: Exception, at: str = "") -> StageEnd:
        """Note an error, and what the stage's own rule makes of it; a fallback pipeline comes after that.

        `at` is the field of the stage whose mapping or condition it was.
        """
        path = at
        if isinstance(error, MappingError):
            code = "schema" if error.path.endswith("schema") else "mapping"
            path = f"{at}.{error.path}" if at else error.path
        else:
            code = error.code if isinstance(error, EngineError) else "expression"
        self.status, self.fault = EndStatus.FAILED, StageFault(code, str(error), path)
        match stage.on_error:
            case "skip":
                self.status, self.handled, self.reason = EndStatus.SKIPPED, "skip", str(error)
            case DefaultValue(default=value):
                self.status, self.handled, self.output = EndStatus.SUCCEEDED, "default", value
            case GoTo(goto=target):
                self.jumps, self.handled = True, f"goto:{target}"
            case _:
                pass
        self.passes = self.handled == "skip" or (stage.optional and not self.handled)
        return self
