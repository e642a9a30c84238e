"""A definition made ready to run: its expressions read, its processors found, their options checked.

Raises `InvalidRequest` at the path of what cannot run; what `document_problems` finds nothing wrong with can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestration.expressions.conditions import Condition, parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import InputPlan
from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.expressions.sources import Place
from orchestration.expressions.transforms.specs import MISSING
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.mapping import OutputPlan, parse_input, parse_output
from pipelines.engine.processor import Processor, PureProcessor
from pipelines.engine.readings import options_marks, readings
from pipelines.engine.rules import ErrorStrategy, FallbackPipeline, InputMapping, Retry
from pipelines.engine.scope import Root

PREVIOUS = InputMapping()
TRIED_AGAIN = Retry(attempts=3)
"""How stages without a rule of their own are tried again where the strategy of the pipeline is to retry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StagePlan:
    """A stage that can run: `input` is what the stage before gave where nothing else is written.

    `reads` are the places that its options read. `pure` is the processor where nothing of it reaches outside.
    """

    stage: Stage
    processor: Processor
    options: Any
    retry: Retry
    input: InputPlan
    output: OutputPlan
    condition: Condition | None
    reads: tuple[Place, ...]
    pure: PureProcessor | None

    @property
    def identity(self) -> Json:
        """What the result depends on beside values: the processor, its options, the output mapping."""
        output = None if self.stage.output is None else self.stage.output.model_dump(mode="json")
        return [self.stage.processor, self.stage.options, output]


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelinePlan:
    """A pipeline that can run. `writers` are the stages that write variables, in the order of the graph.

    `reads_context` is False where no expression can read when it was started.
    """

    pipeline: Pipeline
    stages: Mapping[str, StagePlan]
    schema: Schema | None
    output: InputPlan | None
    writers: tuple[str, ...]
    reads_context: bool


def pipeline_plan(pipeline: Pipeline, processors: Mapping[str, Processor]) -> PipelinePlan:
    """Make a pipeline ready to run. Raises `InvalidRequest`."""
    retries = pipeline.error_handling.strategy is ErrorStrategy.RETRY
    usual = TRIED_AGAIN if retries else None
    stages = {stage.id: stage_plan(stage, processors, usual) for stage in pipeline.stages}
    if cycle := pipeline.graph.cycle:
        raise InvalidRequest(f"Stages wait for each other: {' → '.join(cycle)}.", field="stages")
    try:
        declared = pipeline.input.json_schema
        return PipelinePlan(
            pipeline=pipeline,
            stages=stages,
            schema=None if declared is None else parse_schema(declared),
            output=None if pipeline.output is None else _input(pipeline.output),
            writers=tuple(name for name in pipeline.graph.order if stages[name].output.variables),
            reads_context=Root.CONTEXT in pipeline.model_dump_json(),
        )
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="output") from None


def stage_plan(stage: Stage, processors: Mapping[str, Processor], usual: Retry | None = None) -> StagePlan:
    """Make a stage ready to run; `usual` is its retry where it has none. Raises `InvalidRequest`."""
    place, output = f"stages.{stage.id}", stage.output
    processor = processors.get(stage.processor)
    if processor is None:
        known = ", ".join(processors)
        raise InvalidRequest(f"There is no processor {stage.processor!r}; there are {known}.", field=place)
    falls_back = isinstance(stage.on_error, FallbackPipeline)
    try:
        return StagePlan(
            stage=stage,
            processor=processor,
            options=processor.Options.model_validate(stage.options),
            retry=usual if usual is not None and "retry" not in stage.model_fields_set else stage.retry,
            input=_input(stage.input or PREVIOUS),
            output=parse_output(output.destinations, output.transforms, output.json_schema)
            if output is not None
            else OutputPlan(),
            condition=None if stage.when is None else parse_condition(stage.when),
            reads=_reads(stage, processors),
            pure=processor if isinstance(processor, PureProcessor) and not falls_back else None,
        )
    except ExpressionError as error:
        raise InvalidRequest(str(error), field=place) from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(map(str, (place, "options", *detail["loc"])))
        raise InvalidRequest(f"{detail['msg']}.", field=where) from None


def _input(mapping: InputMapping) -> InputPlan:
    default = mapping.default if mapping.has_default else MISSING
    return parse_input(mapping.source, mapping.transforms, mapping.json_schema, default)


def _reads(stage: Stage, processors: Mapping[str, Processor]) -> tuple[Place, ...]:
    """Return the places that the options of a stage read, those of a stage inside them included."""
    specs = {name: each.spec for name, each in processors.items()}
    found = (each for mark in options_marks(stage, specs) for each in readings(mark))
    return tuple(each for each in found if isinstance(each, Place))
