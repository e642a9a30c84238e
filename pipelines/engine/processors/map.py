"""The processor `map`: a stage, or a pipeline, for each item of a list, several at a time.

Where the failure of an item ends the whole, that is journaled before the others are cancelled, so that a
replay ends in the same way and asks for nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import Field

from orchestration.expressions.places import Keys
from orchestration.expressions.values import value_type
from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LeaseLost, LimitReached, ReplayMismatch
from orchestration.strategies.engine.rounds import run_together
from pipelines.engine.options import OptionFormat
from pipelines.engine.processor import (
    ActiveProcessor,
    PipelineName,
    Processor,
    ProcessorFailed,
    ProcessorOptions,
    SourceText,
    StageResult,
    Uses,
    Work,
)

MOST_MAPPED, MOST_ERRORS = 1_000, 20


class MapOptions(ProcessorOptions):
    """The items, and what is done for each."""

    items: SourceText = None
    """A list. Empty: the input."""
    stage: dict[str, Json] | None = Field(
        default=None, json_schema_extra={"format": OptionFormat.INLINE_STAGE}
    )
    """Processor and options for each item, which it reads as context.item and context.index."""
    pipeline: PipelineName | None = None
    """Its input is the item."""
    at_once: int = Field(default=5, ge=1, le=50)
    """Items worked on together."""
    on_item_error: Literal["fail", "skip", "null"] = Field(default="fail", title="When an item fails")
    """Fail, skip it, or put null in its place."""


class MapProcessor(ActiveProcessor):
    """Does the same for each item of a list."""

    name = "map"
    title = "For each"
    summary = "Runs a stage or a pipeline for each item of a list, several at a time."
    Options = MapOptions

    def __init__(self, processors: Mapping[str, Processor]) -> None:
        self._processors = processors

    def uses(self, options: Any) -> Uses:  # noqa: ANN401
        """Return what the stage names."""
        stage = options.stage or {}
        inner = self._processors.get(stage.get("processor", ""))
        return inner.uses(inner.Options.model_validate(stage.get("options", {}))) if inner else Uses()

    def faults(self, options: Any) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401
        """Yield that it is not clear what is done for each item."""
        if (options.stage is None) == (options.pipeline is None):
            yield (), "Either a stage or a pipeline runs for each item."

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the results in the order of the items. Raises `ProcessorFailed`, and what ends the run."""
        items = work.read(work.options.items)
        if not isinstance(items, list):
            wrong = f"Only a list has items; this is {value_type(items).words}."
            raise ProcessorFailed(wrong, code="wrong_type")
        if len(items) > MOST_MAPPED:
            wrong = f"The list has {len(items):,} items; {MOST_MAPPED:,} at most are worked on one by one."
            raise ProcessorFailed(wrong, code="too_large")
        if earlier := context.recall("failed"):
            raise _failure(await context.decide("failed", earlier))
        mapping = _Mapping(work=work, context=context, items=items, turns=iter(range(len(items))))
        await run_together(mapping.take_turns() for _ in range(min(work.options.at_once, len(items))))
        return mapping.result()


def _failure(failed: Json) -> ProcessorFailed:
    number, message = failed["index"] + 1, failed["message"]
    return ProcessorFailed(f"Item {number:,} failed: {message}", code=failed["code"])


@dataclass(kw_only=True, slots=True)
class _Mapping:
    """The items of one attempt: what they gave, by index, and why others gave nothing."""

    work: Work
    context: RunContext
    items: list[Json]
    turns: Iterator[int]
    results: dict[int, StageResult] = field(default_factory=dict)
    errors: dict[int, EngineError] = field(default_factory=dict)

    async def take_turns(self) -> None:
        """Work on the next item until none is left."""
        for index in self.turns:
            try:
                self.results[index] = await self._one(index)
            except (LimitReached, LeaseLost, ReplayMismatch):
                raise
            except EngineError as error:
                self.errors[index] = error
                if self.work.options.on_item_error == "fail" and len(self.errors) == 1:
                    failed = {"index": index, "message": str(error), "code": error.code}
                    raise _failure(await self.context.decide("failed", failed)) from None

    async def _one(self, index: int) -> StageResult:
        options: MapOptions = self.work.options
        stage = options.stage or {"processor": "pipeline", "options": {"name": options.pipeline}}
        about = {**self.work.scope.context, "item": self.items[index], "index": index}
        scope, name = replace(self.work.scope, context=about), f"{self.work.stage}, item {index + 1:,}"
        return await self.work.run_stage(name, stage, scope, self.context, f"item-{index}")

    def result(self) -> StageResult:
        """Return what the items gave."""
        options: MapOptions = self.work.options
        ended = self.results.keys() | self.errors.keys()
        kept = sorted(ended if options.on_item_error == "null" else self.results)
        values = [self.results[index].value if index in self.results else None for index in kept]
        errors = {str(index): str(self.errors[index]) for index in sorted(self.errors)[:MOST_ERRORS]}
        counts = {"items": len(self.items), "succeeded": len(self.results), "failed": len(self.errors)}
        return StageResult(value=values, details={**counts, "errors": errors})
