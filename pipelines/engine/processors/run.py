"""The processors `run`, `pipeline` and `tool`: what is called within a run, with its budget and deadline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from orchestration.expressions.filters import text as in_words
from orchestration.expressions.places import Keys
from orchestration.expressions.values import off_loop
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from pipelines.engine.processor import (
    ActiveProcessor,
    ModelNames,
    PipelineName,
    ProcessorFailed,
    ProcessorOptions,
    SourceText,
    StageResult,
    TemplateFields,
    UsedRun,
    Uses,
    Work,
)

PIPELINE = "pipeline"


class RunOptions(ProcessorOptions):
    """What is run."""

    kind: str = Field(min_length=1, max_length=40)
    """Kind of run, as in strategy."""
    ref: str = Field(min_length=1, max_length=200, title="Name")
    """What of that kind is run."""
    payload: TemplateFields = None
    """Texts are templates; {{ input.n }} alone keeps its type. Empty: the input as text."""
    models: ModelNames = ()
    """Empty: those of the run."""


class RunProcessor(ActiveProcessor):
    """Runs another kind of run, whichever there is."""

    name = "run"
    title = "Run"
    summary = "Runs a strategy, a session or whatever kind of run there is, and gives its result."
    Options = RunOptions

    def faults(self, options: Any) -> Iterator[tuple[Keys, str]]:  # noqa: ANN401
        """Yield that a pipeline has a processor of its own, which the check for circles knows."""
        if options.kind == PIPELINE:
            yield ("kind",), "A pipeline is run by the processor pipeline."

    def uses(self, options: Any) -> Uses:  # noqa: ANN401
        """Return the models that are named, and the run, whose payload may name others."""
        run = UsedRun(kind=options.kind, ref=options.ref, payload=options.payload or {})
        return Uses(models=options.models, runs=(run,))

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the output of the run, its answer where it has none. Raises `ChildFailed`."""
        options: RunOptions = work.options
        payload = {"text": in_words(work.input)}
        if options.payload is not None:
            payload = await off_loop(work.scope.size, work.filled, options.payload)
        panel = options.models or work.info.models
        found = await context.run_child(options.kind, options.ref, payload, panel=panel, step="run")
        value = found["answer"] if found["output"] is None else found["output"]
        details = {"child": "run", "kind": options.kind, "ref": options.ref}
        return StageResult(value=value, score=found["score"], details=details)


class PipelineOptions(ProcessorOptions):
    """Which pipeline is run, and on what."""

    name: PipelineName = Field(title="Pipeline")
    """Its name."""
    version: int | None = Field(default=None, ge=1)
    """Empty: the latest."""
    input: SourceText = Field(default=None, title="Given")
    """A source. Empty: the input."""


class PipelineProcessor(ActiveProcessor):
    """Runs another pipeline as one stage."""

    name = PIPELINE
    title = "Pipeline"
    summary = "Runs another pipeline as one stage, and gives its output."
    Options = PipelineOptions

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return the output of the pipeline. Raises `ChildFailed`."""
        options: PipelineOptions = work.options
        payload = {"input": work.read(options.input)}
        if options.version is not None:
            payload["version"] = options.version
        panel = work.info.models
        found = await context.run_child(PIPELINE, options.name, payload, panel=panel, step="run")
        details = {"child": "run", "kind": PIPELINE, "ref": options.name}
        return StageResult(value=found["output"], score=found["score"], details=details)


class ToolOptions(ProcessorOptions):
    """Which tool is called, and with what."""

    name: str = Field(min_length=1, max_length=120, title="Tool")
    """Its name, as on Tools."""
    arguments: TemplateFields = None
    """Texts are templates; {{ input.n }} alone keeps its type. Empty: the input, an object."""


class ToolProcessor(ActiveProcessor):
    """Calls a tool."""

    name = "tool"
    title = "Tool"
    summary = "Calls a tool, such as the calculator, a search or an HTTP request, and gives its result."
    Options = ToolOptions

    def uses(self, options: Any) -> Uses:  # noqa: ANN401
        """Return the tool that is named."""
        return Uses(tools=(options.name,))

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return what the tool gave. Raises `ToolFailed`, and `ProcessorFailed` for no object."""
        options: ToolOptions = work.options
        arguments: Json = work.input
        if options.arguments is not None:
            arguments = await off_loop(work.scope.size, work.filled, options.arguments)
        if not isinstance(arguments, dict):
            raise ProcessorFailed("A tool is given an object of arguments.", code="bad_arguments")
        result = await context.use_tool(options.name, arguments, "tool")
        return StageResult(value=result, details={"tool": options.name})
