"""The processor `tool`: a tool of the team is called, once, and gives its result."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.context import RunContext
from pipelines.engine.options import AS_TEMPLATES
from pipelines.engine.processor import ActiveProcessor, ProcessorFailed, ProcessorOptions, StageResult, Work
from pipelines.engine.stages import off_loop


class ToolOptions(ProcessorOptions):
    """Which tool is called, and with what."""

    name: str = Field(min_length=1, max_length=120, title="Tool", description="Its name, as on Tools.")
    arguments: dict[str, Json] | None = Field(
        default=None,
        title="Arguments",
        description="Texts are templates; {{ input.n }} alone keeps its type. Empty: the input, an object.",
        json_schema_extra=AS_TEMPLATES,
    )


class ToolProcessor(ActiveProcessor):
    """Calls a tool."""

    name = "tool"
    title = "Tool"
    summary = "Calls a tool, such as the calculator, a search or an HTTP request, and gives its result."
    Options = ToolOptions

    def tools(self, options: Any) -> tuple[str, ...]:  # noqa: ANN401
        """Return the tool that is named."""
        return (options.name,)

    async def execute(self, work: Work, context: RunContext) -> StageResult:
        """Return what the tool gave. Raises `ToolFailed`, and `ProcessorFailed` for no object."""
        options: ToolOptions = work.options
        arguments = work.input
        if options.arguments is not None:
            arguments = await off_loop(work.scope.size, work.filled, options.arguments)
        if not isinstance(arguments, dict):
            raise ProcessorFailed("A tool is given an object of arguments.", error_code="bad_arguments")
        result = await context.use_tool(options.name, arguments, "tool")
        return StageResult(value=result, details={"tool": options.name})
