"""The processor `validate`: its input passes if it fits a JSON Schema."""

from __future__ import annotations

from pydantic import Field

from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.types import Json
from pipelines.engine.mapping import misfit
from pipelines.engine.options import OptionFormat
from pipelines.engine.processor import ProcessorFailed, ProcessorOptions, PureProcessor, StageResult, Work


class ValidateOptions(ProcessorOptions):
    """What the input has to fit."""

    json_schema: Json = Field(
        alias="schema",
        title="Schema",
        description="JSON Schema that the input has to fit.",
        json_schema_extra={"format": OptionFormat.SCHEMA},
    )


class Validate(PureProcessor):
    """Gives its input where that fits the schema; fails with each path and value where it does not."""

    name = "validate"
    title = "Validate"
    summary = "Lets its input pass if it fits a JSON Schema; otherwise the stage fails and says where."
    Options = ValidateOptions

    def compute(self, work: Work) -> StageResult:
        """Return the input. Raises `ProcessorFailed` with the code `schema`."""
        if message := misfit(parse_schema(work.options.json_schema), work.input):
            raise ProcessorFailed(f"{message}.", error_code="schema")
        return StageResult(value=work.input)
