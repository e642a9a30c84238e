"""Whether a definition can run: everything in it that does not fit together, each at its path."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import cast

from orchestration.expressions.fields import FieldFault, field_order, parsed, readable, without_follow_ups
from orchestration.expressions.places import Keys
from orchestration.expressions.values import unknown
from orchestration.graphs.graph import Graph, GraphNode, Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import (
    BRANCH,
    MOST_PROBLEMS,
    InlineStage,
    Pipeline,
    Problem,
    Stage,
    located,
    read_definition,
    stand_in,
)
from pipelines.engine.mapping import parse_destination
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec
from pipelines.engine.readings import contained, pipeline_marks, readings
from pipelines.engine.relations import Flows, Relations
from pipelines.engine.rules import ErrorHandling, ErrorStrategy

DEEPEST_NESTING, MOST_STEPS = 8, 5_000
"""Pipelines inside each other, and stages of all of them together."""
MOST_COUNTED = 1_000_000
"""Steps that are counted: twice as many at each level are soon too many to write."""
GO_TOGETHER: Mapping[str | int, tuple[str, ...]] = {
    "join": ("needs",),
    "quorum": ("needs", "join"),
    "retry": ("retry",),
    "error_handling": ("error_handling",),
}
"""Fields that look wrong where others, beside them, are wrong."""


def document_problems(
    document: Json, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> tuple[Pipeline | None, tuple[Problem, ...]]:
    """Return a document as a pipeline, and all that is wrong with it, in its order, nothing twice.

    The document is one of the newest schema version. `processors` are those that there are, `pipelines` the
    others that it may contain, both by name. There is no pipeline where a field cannot be read.
    """
    pipeline, wrong = read_definition(document)
    found = iter(wrong)
    if pipeline is not None:
        others = _Validation(pipeline, processors, wrong).faults(pipelines)
        found = chain(found, without_follow_ups(others, wrong, GO_TOGETHER))
    first = sorted(islice(found, MOST_PROBLEMS), key=lambda fault: field_order(Pipeline, fault.at))
    return None if wrong else pipeline, located(first, document)


class _Validation:
    """The checks of one pipeline."""

    def __init__(
        self, pipeline: Pipeline, processors: Mapping[str, ProcessorSpec], wrong: Sequence[FieldFault]
    ) -> None:
        self._pipeline, self._processors = pipeline, processors
        self._relations = Relations(pipeline, wrong)
        self._flows = Flows(pipeline, processors)

    def faults(self, pipelines: Mapping[str, Pipeline]) -> Iterator[FieldFault]:
        """Yield all that is wrong."""
        found: dict[object, list[Marked]] = defaultdict(list)
        for mark in pipeline_marks(self._pipeline, self._processors):
            found[mark.at[1] if mark.at[0] == "stages" else ""].append(mark)
        for number, stage in enumerate(self._pipeline.stages):
            at = ("stages", number)
            if self._relations.numbers[stage.id] == number:
                yield from self._stage_faults(stage, found[number], at)
            else:
                yield FieldFault(at=(*at, "id"), message=f"There is another stage “{stage.id}”.")
        yield from self._relations.faults()
        for mark in found[""]:
            yield from self._reading_faults("", mark)
        yield from self._flows.input_faults(self._pipeline.output, ("output",))
        yield from _handling_faults(self._pipeline.error_handling)
        named = [mark for each in found.values() for mark in each if mark.format is OptionFormat.PIPELINE]
        yield from nesting_faults(self._pipeline, named, self._processors, pipelines)

    def _stage_faults(self, stage: Stage, found: Sequence[Marked], at: Keys) -> Iterator[FieldFault]:
        inside = [each for each in found if each.format is OptionFormat.INLINE_STAGE]
        read = [(each.at, *readable(InlineStage, each.value, stand_in)) for each in inside]
        wrong = [each.under(*place) for place, _, faults in read for each in faults]
        yield from wrong
        others = chain(
            self._work_faults(stage, at),
            *(self._inside_faults(work, place) for place, work, _ in read if work is not None),
            *(self._mark_faults(stage, mark) for mark in found),
            self._own_faults(stage, at),
        )
        yield from without_follow_ups(others, wrong, GO_TOGETHER)

    def _work_faults(self, work: Stage | InlineStage, at: Keys) -> Iterator[FieldFault]:
        """Yield what is wrong with what a stage does, or one inside its options."""
        spec = self._processors.get(work.processor)
        if spec is None:
            message = unknown("processor", work.processor, self._processors)
            yield FieldFault(at=(*at, "processor"), message=message)
        else:
            misfits = [(each.at, each.message) for each in spec.schema.problems(work.options)]
            for below, message in misfits or spec.faults(work.options):
                yield FieldFault(at=(*at, "options", *below), message=message)
        yield from self._flows.stage_faults(work, at)
        whole = self._pipeline.timeout
        if work.timeout is not None and whole is not None and work.timeout > whole:
            message = f"The whole pipeline has only {whole:g} seconds."
            yield FieldFault(at=(*at, "timeout"), message=message)
        if work.retry.base > work.retry.cap:
            message = f"The first wait is longer than the longest, {work.retry.cap:g} seconds."
            yield FieldFault(at=(*at, "retry", "base"), message=message)

    def _inside_faults(self, work: InlineStage, at: Keys) -> Iterator[FieldFault]:
        """Yield what is wrong with a stage inside the options of another."""
        yield from self._work_faults(work, at)
        if work.processor == BRANCH:
            yield FieldFault(at=(*at, "processor"), message="A branch cannot stand inside another stage.")
        if work.output is not None and work.output.destinations != ("next",):
            message = "What a stage inside another gives goes to next; the other one collects it."
            yield FieldFault(at=(*at, "output", "to"), message=message)

    def _mark_faults(self, stage: Stage, mark: Marked) -> Iterator[FieldFault]:
        """Yield what is wrong with a name or an expression in a stage."""
        if mark.format is OptionFormat.STAGE and (message := self._name_fault(stage, mark)):
            yield FieldFault(at=mark.at, message=message)
        yield from self._reading_faults(stage.id, mark)

    def _name_fault(self, stage: Stage, mark: Marked) -> str:
        """Return what is wrong with the name of a stage; a branch or a jump may only choose later ones."""
        match mark.at[2:]:
            case ("needs", int()) if mark.value == stage.id:
                return "A stage cannot need itself."
            case ("needs", int(number)) if mark.value in (stage.needs or ())[:number]:
                return f"{mark.value} is named twice."
            case ("on_error", _):
                return self._relations.later_fault(stage.id, mark.value)
            case ("options", *_) if mark.value in stage.choices:
                return self._relations.later_fault(stage.id, mark.value)
            case _:
                return self._relations.name_fault(mark.value)

    def _reading_faults(self, reader: str, mark: Marked) -> Iterator[FieldFault]:
        """Yield why an expression cannot be read, and what it reads that is not there."""
        for each in readings(mark):
            if isinstance(each, FieldFault):
                yield each
            elif message := self._relations.reading_fault(reader, each, is_inside=mark.is_inside):
                yield FieldFault(at=mark.at, message=message)

    def _own_faults(self, stage: Stage, at: Keys) -> Iterator[FieldFault]:
        """Yield what is wrong with what only a stage of the pipeline itself has."""
        destinations = stage.output.destinations if stage.output is not None else ()
        for number, to in enumerate(destinations):
            place = (*at, "output", "to") if len(destinations) == 1 else (*at, "output", "to", number)
            if isinstance(fault := parsed(parse_destination, to, place), FieldFault):
                yield fault
            if to in destinations[:number]:
                yield FieldFault(at=place, message=f"{to} is named twice.")
        for field, message in _join_faults(stage, len(self._pipeline.graph.node(stage.id).needs)):
            yield FieldFault(at=(*at, field), message=message)
        spec = self._processors.get(stage.processor)
        if stage.cache is not None and spec is not None and not spec.cacheable:
            message = f"The result of {spec.name} cannot be used again: it acts outside the run."
            yield FieldFault(at=(*at, "cache"), message=message)


def _join_faults(stage: Stage, needs: int) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with how a stage joins its needs: the field, and a sentence."""
    join = stage.join or Join.ALL
    if join is not Join.ALL and not needs:
        yield "join", f"The join {join} is one of several needs, and there are none."
    if join is not Join.QUORUM and stage.quorum is not None:
        yield "quorum", f"A quorum goes with the join quorum, not with {join}."
    if join is Join.QUORUM and stage.quorum is None:
        yield "quorum", "How many needs have to succeed is missing."
    if join is Join.QUORUM and needs and (stage.quorum or 0) > needs:
        yield "quorum", f"{stage.quorum} of {needs} needs cannot succeed."


def _handling_faults(handling: ErrorHandling) -> Iterator[FieldFault]:
    at: Keys = ("error_handling", "pipeline")
    is_fallback = handling.strategy is ErrorStrategy.FALLBACK
    if is_fallback and handling.pipeline is None:
        yield FieldFault(at=at, message="The pipeline that takes over is missing.")
    if not is_fallback and handling.pipeline is not None:
        message = f"A fallback pipeline goes with the strategy fallback, not {handling.strategy}."
        yield FieldFault(at=at, message=message)


def nesting_faults(
    pipeline: Pipeline,
    named: Sequence[Marked],
    processors: Mapping[str, ProcessorSpec],
    pipelines: Mapping[str, Pipeline],
) -> Iterator[FieldFault]:
    """Yield what is wrong with the pipelines that one names, directly or through others."""
    documents = ChainMap(
        {pipeline.name: pipeline}, cast("dict[str, Pipeline]", pipelines)
    )  # read when needed
    graph = _nesting({pipeline.name: [each.value for each in named]}, documents, processors)
    for each in named:
        if each.value not in documents:
            message = unknown("pipeline", each.value, sorted(pipelines))
        elif each.value in graph.node(each.value).needs:
            message = _circle((each.value, each.value))
        elif each.value not in graph.depths:
            message = _circle(graph.cycle[::-1])
        elif graph.depths[each.value] >= DEEPEST_NESTING:
            message = (
                f"Pipelines are nested {graph.depths[each.value] + 1} deep here; {DEEPEST_NESTING} at most."
            )
        else:
            continue
        yield FieldFault(at=each.at, message=message)
    sizes = {node.id: len(documents[node.id].stages) for node in graph.nodes}
    total = graph.totals(sizes, MOST_COUNTED).get(pipeline.name, 0)
    if total > MOST_STEPS:
        message = f"With the pipelines in it, it has {total:,} stages; {MOST_STEPS:,} at most."
        yield FieldFault(at=("stages",), message=message)


def _circle(names: tuple[str, ...]) -> str:
    return f"Pipelines cannot contain themselves: {' → '.join(names)}."


def _nesting(
    inner: dict[str, list[str]], documents: Mapping[str, Pipeline], processors: Mapping[str, ProcessorSpec]
) -> Graph:
    """Return which pipelines contain which, from the one down of which the `inner` are known."""
    waiting = [name for names in inner.values() for name in names]
    for name in waiting:  # grows while it is read
        if name in documents and name not in inner:
            inner[name] = [each.value for each in contained(documents[name], processors)]
            waiting += inner[name]
    return Graph(nodes=tuple(GraphNode(id=name, needs=tuple(names)) for name, names in inner.items()))
