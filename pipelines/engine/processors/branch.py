"""The processor `branch`: which stages come next."""

from __future__ import annotations

from pydantic import Field

from orchestration.expressions.conditions import parse_condition
from pipelines.engine.options import OptionFormat
from pipelines.engine.processor import ProcessorOptions, PureProcessor, StageResult, Work


class Case(ProcessorOptions):
    """A condition, and the stage that follows where it holds."""

    when: str = Field(
        title="When",
        description="CEL condition, as in input.kind == 'refund'.",
        json_schema_extra={"format": OptionFormat.CONDITION},
    )
    to: str = Field(
        title="Go to", description="A later stage.", json_schema_extra={"format": OptionFormat.STAGE}
    )


class BranchOptions(ProcessorOptions):
    """The cases in order: the first that holds is taken."""

    cases: tuple[Case, ...] = Field(
        min_length=1, max_length=50, title="Cases", description="In order: the first that holds is taken."
    )
    default: str | None = Field(
        default=None,
        title="Otherwise",
        description="The stage that follows where no case holds. Empty: none of them.",
        json_schema_extra={"format": OptionFormat.STAGE},
    )


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
