"""How a stage ended: what its row keeps, what others read of it, what its own rule makes of an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import shortened, size
from orchestration.graphs.scheduling import Ending, EndStatus
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Stage
from pipelines.engine.mapping import MappingError
from pipelines.engine.rules import DefaultValue, GoTo
from pipelines.engine.scope import MissingValue

STAGE_FAULTS = (EngineError, ExpressionError, MappingError, MissingValue)
"""What a stage may fail with."""
LARGEST_SHOWN = 200_000
"""Items and characters of a value that a stage's row keeps whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageFault:
    """Why a stage failed: a stable code, a sentence, and the field of the stage that it failed at."""

    code: str
    message: str
    path: str = ""


@dataclass(kw_only=True, slots=True)
class StageEnd:
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
    passes: bool = False
    score: float | None = None
    chosen: frozenset[str] = frozenset()
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
    def jumps(self) -> bool:
        """Whether another stage follows its failure."""
        return self.handled.startswith("goto:")

    @property
    def ending(self) -> Ending:
        """How it ended for the stages that wait for it."""
        return Ending(status=self.status, chosen=self.chosen, jumps=self.jumps, passes=self.passes)

    @property
    def known(self) -> Mapping[str, Json]:
        """What other stages can read of it."""
        found: dict[str, Json] = {"status": str(self.status)}
        if self.status is EndStatus.SUCCEEDED:
            found |= {"output": self.output, "score": self.score}
        if self.fault is not None:
            found["error"] = {"code": self.fault.code, "message": self.fault.message}
        return found

    def row(self, stage: Stage) -> dict[str, Json]:
        """Return the row of the stage, with large values shortened."""
        fault = self.fault
        error = fault and {"code": fault.code, "message": fault.message, "path": fault.path}
        row: dict[str, Json] = {
            "stage": stage.id,
            "processor": stage.processor,
            "status": str(self.status),
            "attempts": self.attempts,
            "cached": self.cached,
            "edited": self.edited,
            "input": self.input,
            "output": self.output,
            "error": error,
            "reason": self.reason,
            "handled": self.handled,
            "score": self.score,
            "chosen": sorted(self.chosen),
            "started_s": self.started_s,
            "seconds": self.seconds,
            "details": dict(self.details),
        }
        sizes = {"input": size(self.input, LARGEST_SHOWN), "output": self.size}
        if self.result is not None:
            row["result"], sizes["result"] = self.result, size(self.result, LARGEST_SHOWN)
        if large := [name for name, counted in sizes.items() if counted > LARGEST_SHOWN]:
            row |= {name: shortened(row[name], LARGEST_SHOWN // 100) for name in large}
            row["shortened"] = large
        return row


def handled(stage: Stage, end: StageEnd, fault: StageFault) -> StageEnd:
    """Return how a stage that failed ends by its own rule; a fallback pipeline comes after that."""
    end.status, end.fault = EndStatus.FAILED, fault
    match stage.on_error:
        case "skip":
            end.status, end.handled, end.reason = EndStatus.SKIPPED, "skip", fault.message
        case DefaultValue(default=value):
            end.status, end.handled, end.output = EndStatus.SUCCEEDED, "default", value
        case GoTo(goto=target):
            end.handled = f"goto:{target}"
        case _:
            pass
    end.passes = end.handled == "skip" or (stage.optional and not end.handled)
    return end


def stage_fault(error: Exception, at: str = "") -> StageFault:
    """Return an error as what a stage failed with; `at` is the field whose mapping or condition it was."""
    if isinstance(error, MappingError):
        is_schema = error.path.endswith("schema")
        code = "schema" if is_schema else "mapping"
        return StageFault(code=code, message=str(error), path=f"{at}.{error.path}" if at else error.path)
    code = error.code if isinstance(error, EngineError) else "expression"
    return StageFault(code=code, message=str(error), path=at)
