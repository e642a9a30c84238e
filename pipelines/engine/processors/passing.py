"""The processors that give their input: `transform`, `validate` if it fits, `branch` to what comes next."""

from __future__ import annotations

from pydantic import Field

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.mapping import misfit
from orchestration.expressions.schemas import parse_schema
from orchestration.llm.engine.types import Json
from pipelines.engine.options import AS_SCHEMA, OptionFormat
from pipelines.engine.processor import ProcessorFailed, ProcessorOptions, PureProcessor, StageResult, Work


class TransformProcessor(PureProcessor):
    """Gives its input: what is done to it stands in the mappings of the stage."""

    name = "transform"
    title = "Transform"
    summary = "Picks, joins, cuts or converts values; what it does is written in its input and output."

    def compute(self, work: Work) -> StageResult:
        """Return the input."""
        return StageResult(value=work.input)


class ValidateOptions(ProcessorOptions):
    """What the input has to fit."""

    json_schema: Json = Field(alias="schema", title="Schema", json_schema_extra=AS_SCHEMA)
    """JSON Schema that the input has to fit."""


class Validate(PureProcessor):
    """Gives its input where that fits the schema; fails with each path and value where it does not."""

    name = "validate"
    title = "Validate"
    summary = "Lets its input pass if it fits a JSON Schema; otherwise the stage fails and says where."
    Options = ValidateOptions

    def compute(self, work: Work) -> StageResult:
        """Return the input. Raises `ProcessorFailed` with the code `schema`."""
        if message := misfit(parse_schema(work.options.json_schema), work.input):
            raise ProcessorFailed(f"{message}.", code="schema")
        return StageResult(value=work.input)


class Case(ProcessorOptions):
    """A condition, and the stage that follows where it holds."""

    when: str = Field(json_schema_extra={"format": OptionFormat.CONDITION})
    """CEL condition, as in input.kind == 'refund'."""
    to: str = Field(title="Go to", json_schema_extra={"format": OptionFormat.STAGE})
    """A later stage."""


class BranchOptions(ProcessorOptions):
    """The cases in order: the first that holds is taken."""

    cases: tuple[Case, ...] = Field(min_length=1, max_length=50)
    """In order: the first that holds is taken."""
    default: str | None = Field(
        default=None, title="Otherwise", json_schema_extra={"format": OptionFormat.STAGE}
    )
    """The stage that follows where no case holds. Empty: none of them."""


class Branch(PureProcessor):
    """Chooses the stage of the first case that holds; the stages of other cases are skipped."""

    name = "branch"
    title = "Branch"
    summary = "Chooses what comes next by conditions; the stages that are not chosen are skipped."
    Options = BranchOptions

    def compute(self, work: Work) -> StageResult:
        """Return the input and the stage that was chosen. Raises `ExpressionError`."""
        options: BranchOptions = work.options
        for number, case in enumerate(options.cases, 1):
            condition = parse_condition(case.when)
            if condition.evaluate(work.scope.values(condition.names)):
                details = {"case": number, "when": case.when}
                return StageResult(value=work.input, chosen=frozenset({case.to}), details=details)
        chosen = frozenset() if options.default is None else frozenset({options.default})
        return StageResult(value=work.input, chosen=chosen, details={"case": 0})
