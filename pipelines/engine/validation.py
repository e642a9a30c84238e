"""Whether a definition can run: everything in it that does not fit together, each at its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice

from orchestration.expressions.schemas import Schema, parse_schema
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.flows import Flows
from pipelines.engine.graph import Join
from pipelines.engine.mapping import parse_destination
from pipelines.engine.nesting import nesting_faults
from pipelines.engine.options import OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import (
    MOST_PROBLEMS,
    FieldFault,
    Problem,
    problem_at,
    stage_places,
    unknown,
)
from pipelines.engine.readings import Found, parse_faults, pipeline_readings, stage_readings
from pipelines.engine.relations import Relations
from pipelines.engine.rules import ErrorHandling, ErrorStrategy, GoTo


def problems(
    pipeline: Pipeline, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Problem, ...]:
    """Return all that is wrong with a pipeline, in the order of the document, nothing twice.

    `processors` are those that there are, `pipelines` the others that it may contain, both by name.
    """
    found = islice(_Validation(pipeline, processors).faults(pipelines), MOST_PROBLEMS)
    places = stage_places(stage.id for stage in pipeline.stages)
    sorted_problems = (
        places[fault.stage].problem(fault.message, *fault.at, below=fault.below)
        if fault.stage is not None
        else problem_at(fault.message, *fault.at)
        for fault in sorted(found, key=_order)
    )
    return tuple(dict.fromkeys(sorted_problems))


def _order(fault: FieldFault) -> tuple[int, int, int]:
    """Return where a fault stands in the document: by field, stage, and field of the stage."""
    fields, stage_fields = list(Pipeline.model_fields), list(Stage.model_fields)
    if fault.stage is None:
        return fields.index(str(fault.at[0])), -1, 0
    return fields.index("stages"), fault.stage, stage_fields.index(str(fault.at[0]))


class _Validation:
    """The checks of one pipeline."""

    def __init__(self, pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> None:
        self._pipeline, self._processors = pipeline, processors
        self._relations = Relations(pipeline)
        self._flows = Flows(pipeline, processors)
        self._schemas: dict[str, Schema] = {}

    def faults(self, pipelines: Mapping[str, Pipeline]) -> Iterator[FieldFault]:
        """Yield all that is wrong."""
        for number, stage in enumerate(self._pipeline.stages):
            for fault in self._stage_faults(stage, number):
                yield FieldFault(at=fault.at, message=fault.message, stage=number, below=fault.below)
        yield from self._relations.circles()
        yield from self._relations.unreachable()
        yield from self._relations.conflicts()
        yield from self._read(None, pipeline_readings(self._pipeline))
        if self._pipeline.output is not None:
            yield from self._flows.input_faults(self._pipeline.output, ("output",))
        yield from _handling_faults(self._pipeline.error_handling)
        yield from nesting_faults(self._pipeline, self._processors, pipelines)

    def _stage_faults(self, stage: Stage, number: int) -> Iterator[FieldFault]:
        if self._relations.numbers[stage.id] != number:
            yield FieldFault(at=("id",), message=f"There is another stage “{stage.id}”.")
            return
        spec = self._processors.get(stage.processor)
        if spec is None:
            message = unknown("processor", stage.processor, self._processors)
            yield FieldFault(at=("processor",), message=message)
        yield from chain(
            self._options_faults(stage, spec) if spec else (),
            self._read(stage, stage_readings(stage, spec.options_schema if spec else {})),
            self._flows.stage_faults(stage),
            _destination_faults(stage),
            self._needs_faults(stage),
            _join_faults(stage, len(self._pipeline.graph.node(stage.id).needs)),
            self._limit_faults(stage, spec),
        )

    def _options_faults(self, stage: Stage, spec: ProcessorSpec) -> Iterator[FieldFault]:
        """Yield where the options do not fit the processor, and the stages in them that are not there."""
        if spec.name not in self._schemas:
            self._schemas[spec.name] = parse_schema(spec.options_schema)
        misfits = self._schemas[spec.name].problems(stage.options)
        for problem in misfits:
            yield FieldFault(at=("options",), below=problem.path, message=problem.message)
        for at, message in () if misfits else spec.faults(stage.options):
            yield FieldFault(at=("options", *at), message=message)
        for option in marked_options(spec.options_schema, stage.options):
            if option.format is OptionFormat.STAGE:
                is_choice = option.value in stage.choices
                message = (
                    self._relations.later_fault(stage, option.value)
                    if is_choice
                    else self._relations.name_fault(option.value)
                )
                if message:
                    yield FieldFault(at=("options", *option.at), message=message)

    def _read(self, stage: Stage | None, found: Iterator[Found]) -> Iterator[FieldFault]:
        """Yield what cannot be read: expressions, and values that are not there."""
        for each in found:
            if isinstance(each, FieldFault):
                yield each
            elif message := self._relations.reading_fault(stage, each):
                yield FieldFault(at=each.at, message=message)

    def _needs_faults(self, stage: Stage) -> Iterator[FieldFault]:
        written = stage.needs or ()
        for number, need in enumerate(written):
            message = self._relations.name_fault(need)
            if need == stage.id:
                message = "A stage cannot need itself."
            elif need in written[:number]:
                message = f"{need} is named twice."
            if message:
                yield FieldFault(at=("needs", number), message=message)

    def _limit_faults(self, stage: Stage, spec: ProcessorSpec | None) -> Iterator[FieldFault]:
        whole = self._pipeline.timeout
        if stage.timeout is not None and whole is not None and stage.timeout > whole:
            message = f"The whole pipeline has only {whole:g} seconds."
            yield FieldFault(at=("timeout",), message=message)
        if stage.retry.base > stage.retry.cap:
            message = f"The first wait is longer than the longest, {stage.retry.cap:g} seconds."
            yield FieldFault(at=("retry", "base"), message=message)
        if stage.cache is not None and spec is not None and not spec.cacheable:
            message = f"The result of {spec.name} cannot be used again: it acts outside the run."
            yield FieldFault(at=("cache",), message=message)
        if isinstance(stage.on_error, GoTo) and (
            message := self._relations.later_fault(stage, stage.on_error.goto)
        ):
            yield FieldFault(at=("on_error", "goto"), message=message)


def _destination_faults(stage: Stage) -> Iterator[FieldFault]:
    destinations = stage.output.destinations if stage.output is not None else ()
    for number, to in enumerate(destinations):
        at = ("output", "to") if len(destinations) == 1 else ("output", "to", number)
        yield from parse_faults(parse_destination, to, at)
        if to in destinations[:number]:
            yield FieldFault(at=at, message=f"{to} is named twice.")


def _join_faults(stage: Stage, needs: int) -> Iterator[FieldFault]:
    join = stage.join or Join.ALL
    if join is not Join.ALL and not needs:
        yield FieldFault(
            at=("join",), message=f"The join {join} is one of several needs, and there are none."
        )
    if join is Join.QUORUM and stage.quorum is None:
        yield FieldFault(at=("quorum",), message="How many needs have to succeed is missing.")
    if join is not Join.QUORUM and stage.quorum is not None:
        yield FieldFault(at=("quorum",), message=f"A quorum goes with the join quorum, not with {join}.")
    if join is Join.QUORUM and needs and (stage.quorum or 0) > needs:
        message = f"{stage.quorum} of {needs} needs cannot succeed."
        yield FieldFault(at=("quorum",), message=message)


def _handling_faults(handling: ErrorHandling) -> Iterator[FieldFault]:
    is_fallback = handling.strategy is ErrorStrategy.FALLBACK
    at = ("error_handling", "pipeline")
    if is_fallback and handling.pipeline is None:
        yield FieldFault(at=at, message="The pipeline that takes over is missing.")
    if not is_fallback and handling.pipeline is not None:
        yield FieldFault(
            at=at, message=f"A fallback pipeline goes with the strategy fallback, not {handling.strategy}."
        )
