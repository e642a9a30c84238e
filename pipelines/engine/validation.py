"""Whether a definition can run: everything in it that does not fit together, each at its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.expressions.values import unknown
from orchestration.graphs.graph import Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import (
    BRANCH,
    InlineStage,
    Pipeline,
    ReadDefinition,
    Stage,
    read_definition,
    readable,
)
from pipelines.engine.flows import Flows
from pipelines.engine.mapping import parse_destination
from pipelines.engine.nesting import nesting_faults
from pipelines.engine.options import OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import MOST_PROBLEMS, FieldFault, Keys, Problem, located
from pipelines.engine.readings import Found, parse_faults, pipeline_readings, stage_readings
from pipelines.engine.relations import Relations
from pipelines.engine.rules import DefinitionPart, ErrorHandling, ErrorStrategy, GoTo

GO_TOGETHER = {
    ("join", "needs"),
    ("quorum", "needs"),
    ("quorum", "join"),
    ("retry", "retry"),
    ("error_handling", "error_handling"),
}
"""Fields of which the second, where it is wrong, makes the first look wrong."""


def document_problems(
    document: Json, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Pipeline | None, tuple[Problem, ...]]:
    """Return a document as a pipeline, and all that is wrong with it, in its order, nothing twice.

    The document is one of the newest schema version. `processors` are those that there are, `pipelines` the
    others that it may contain, both by name. There is no pipeline where a field cannot be read.
    """
    read = read_definition(document)
    return None if read.faults else read.pipeline, _problems(read, processors, pipelines)


def problems(
    pipeline: Pipeline, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Problem, ...]:
    """Return all that is wrong with a pipeline that was read, as `document_problems` does."""
    read = ReadDefinition(pipeline=pipeline, names=tuple(stage.id for stage in pipeline.stages))
    return _problems(read, processors, pipelines)


def _problems(
    read: ReadDefinition, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Problem, ...]:
    found = iter(read.faults)
    if read.pipeline is not None:
        others = _Validation(read.pipeline, processors, read.faults).faults(pipelines)
        found = chain(found, without_follow_ups(others, read.faults))
    return located(sorted(islice(found, MOST_PROBLEMS), key=_order), read.names)


def without_follow_ups(found: Iterable[FieldFault], wrong: Sequence[FieldFault]) -> Iterator[FieldFault]:
    """Yield faults except for those that only follow from fields that are wrong."""
    for fault in found:
        if not any(_follows(fault, each) for each in wrong):
            yield fault


def _follows(fault: FieldFault, wrong: FieldFault) -> bool:
    """Return whether a fault is at, or below, a field that is wrong, or at one that goes with it."""
    if fault.stage != wrong.stage:
        return False
    return fault.at[: len(wrong.at)] == wrong.at or (fault.at[0], wrong.at[0]) in GO_TOGETHER


def _order(fault: FieldFault) -> tuple[int, ...]:
    """Return where a fault stands in the document: by field, stage, field of the stage, and item of that."""
    if fault.stage is None:
        return (_place(fault.at, Pipeline),)
    item = next((key for key in fault.at[1:2] if isinstance(key, int)), -1)
    return _place(("stages",), Pipeline), fault.stage, _place(fault.at, Stage), item


def _place(at: Keys, part: type[DefinitionPart]) -> int:
    """Return the number of a field; unknown ones come last, the whole part first."""
    fields = ["", *part.model_fields]
    field = str(at[0]) if at else ""
    return fields.index(field) if field in fields else len(fields)


class _Validation:
    """The checks of one pipeline."""

    def __init__(
        self, pipeline: Pipeline, processors: Mapping[str, ProcessorSpec], wrong: Sequence[FieldFault]
    ) -> None:
        self._pipeline, self._processors = pipeline, processors
        self._relations = Relations(pipeline, wrong)
        self._flows = Flows(pipeline, processors)
        self._schemas: dict[str, Schema] = {}

    def faults(self, pipelines: Mapping[str, Pipeline]) -> Iterator[FieldFault]:
        """Yield all that is wrong."""
        for number, stage in enumerate(self._pipeline.stages):
            for fault in self._stage_faults(stage, number):
                yield replace(fault, stage=number)
        yield from self._relations.faults()
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
        options_schema = spec.options_schema if spec else {}
        yield from chain(
            self._work_faults(stage, stage),
            self._read(stage, stage_readings(stage, options_schema, self._processors)),
            _destination_faults(stage),
            self._needs_faults(stage),
            _join_faults(stage, len(self._pipeline.graph.node(stage.id).needs)),
        )
        if stage.cache is not None and spec is not None and not spec.cacheable:
            message = f"The result of {spec.name} cannot be used again: it acts outside the run."
            yield FieldFault(at=("cache",), message=message)
        if isinstance(stage.on_error, GoTo) and (
            message := self._relations.later_fault(stage, stage.on_error.goto)
        ):
            yield FieldFault(at=("on_error", "goto"), message=message)

    def _work_faults(self, work: Stage | InlineStage, stage: Stage) -> Iterator[FieldFault]:
        """Yield what is wrong with what a stage does, or one inside its options."""
        spec = self._processors.get(work.processor)
        if spec is None:
            message = unknown("processor", work.processor, self._processors)
            yield FieldFault(at=("processor",), message=message)
        else:
            yield from self._options_faults(work, spec, stage)
        yield from self._flows.stage_faults(work)
        whole = self._pipeline.timeout
        if work.timeout is not None and whole is not None and work.timeout > whole:
            message = f"The whole pipeline has only {whole:g} seconds."
            yield FieldFault(at=("timeout",), message=message)
        if work.retry.base > work.retry.cap:
            message = f"The first wait is longer than the longest, {work.retry.cap:g} seconds."
            yield FieldFault(at=("retry", "base"), message=message)

    def _inside_faults(self, written: Json, stage: Stage) -> Iterator[FieldFault]:
        """Yield what is wrong with a stage inside the options of another."""
        work, wrong = readable(InlineStage, written)
        yield from wrong
        if work is None:
            return
        yield from without_follow_ups(self._work_faults(work, stage), wrong)
        if work.processor == BRANCH:
            yield FieldFault(at=("processor",), message="A branch cannot stand inside another stage.")
        if work.output is not None and work.output.destinations != ("next",):
            message = "What a stage inside another gives goes to next; the other one collects it."
            yield FieldFault(at=("output", "to"), message=message)

    def _options_faults(
        self, work: Stage | InlineStage, spec: ProcessorSpec, stage: Stage
    ) -> Iterator[FieldFault]:
        """Yield where the options do not fit the processor, and what is wrong with the stages in them."""
        if spec.name not in self._schemas:
            self._schemas[spec.name] = parse_schema(spec.options_schema)
        misfits = self._schemas[spec.name].problems(work.options)
        for problem in misfits:
            yield FieldFault(at=("options",), below=problem.path, message=problem.message)
        for below, message in () if misfits else spec.faults(work.options):
            yield FieldFault(at=("options", *below), message=message)
        for option in marked_options(spec.options_schema, work.options):
            at: Keys = ("options", *option.at)
            if option.format is OptionFormat.INLINE_STAGE:
                for fault in self._inside_faults(option.value, stage):
                    yield replace(fault, at=(*at, *fault.at))
            elif option.format is OptionFormat.STAGE and (message := self._name_fault(work, option.value)):
                yield FieldFault(at=at, message=message)

    def _name_fault(self, work: Stage | InlineStage, name: str) -> str:
        """Return what is wrong with the name of a stage in options; a branch may only choose later ones."""
        if isinstance(work, Stage) and name in work.choices:
            return self._relations.later_fault(work, name)
        return self._relations.name_fault(name)

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
