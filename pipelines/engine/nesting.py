"""Pipelines inside pipelines: which are missing, contain themselves, are too deep or too large together."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from orchestration.expressions.values import unknown
from orchestration.graphs.graph import Graph, GraphNode
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline
from pipelines.engine.options import OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import FieldFault, Keys
from pipelines.engine.rules import ErrorStrategy, FallbackPipeline

DEEPEST_NESTING, MOST_STEPS = 8, 5_000
"""Pipelines inside each other, and stages of all of them together."""
MOST_COUNTED = 1_000_000
"""Steps that are counted: twice as many at each level are soon too many to write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contained:
    """A pipeline that another one names: at which field, in which stage (by number), or in none."""

    name: str
    at: Keys
    stage: int | None = None


def contained(pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> Iterator[Contained]:
    """Yield where a pipeline names others, in the order of its fields."""
    for number, stage in enumerate(pipeline.stages):
        for name, at in _named(stage.processor, stage.options, processors):
            yield Contained(name=name, at=at, stage=number)
        if isinstance(stage.on_error, FallbackPipeline):
            yield Contained(name=stage.on_error.pipeline, at=("on_error", "pipeline"), stage=number)
    handling = pipeline.error_handling
    if handling.pipeline is not None and handling.strategy is ErrorStrategy.FALLBACK:
        yield Contained(name=handling.pipeline, at=("error_handling", "pipeline"))


def _named(
    processor: Json, options: Json, processors: Mapping[str, ProcessorSpec]
) -> Iterator[tuple[str, Keys]]:
    """Yield the pipelines that the options of a processor name, also those of stages inside them."""
    spec = processors.get(processor) if isinstance(processor, str) else None
    for option in marked_options(spec.options_schema if spec else {}, options):
        if option.format is OptionFormat.PIPELINE:
            yield option.value, ("options", *option.at)
        elif option.format is OptionFormat.INLINE_STAGE:
            inside = _named(option.value.get("processor"), option.value.get("options"), processors)
            yield from ((name, ("options", *option.at, *at)) for name, at in inside)


def nesting_faults(
    pipeline: Pipeline, processors: Mapping[str, ProcessorSpec], pipelines: Mapping[str, Pipeline]
) -> Iterator[FieldFault]:
    """Yield what is wrong with the pipelines that a pipeline contains, directly or through others."""
    documents = ChainMap(
        {pipeline.name: pipeline}, cast("dict[str, Pipeline]", pipelines)
    )  # read when needed
    graph, itself = _graph(pipeline.name, documents, processors)
    depths, steps = _sizes(graph, documents)
    for each in contained(pipeline, processors):
        if each.name not in documents:
            message = unknown("pipeline", each.name, sorted(pipelines))
        elif each.name in itself:
            message = _circle((each.name, each.name))
        elif each.name not in depths:
            message = _circle(graph.cycle[::-1])
        elif depths[each.name] >= DEEPEST_NESTING:
            message = f"Pipelines are nested {depths[each.name] + 1} deep here; {DEEPEST_NESTING} at most."
        else:
            continue
        yield FieldFault(at=each.at, stage=each.stage, message=message)
    total = steps.get(pipeline.name, 0)
    if total > MOST_STEPS:
        message = f"With the pipelines in it, it has {total:,} stages; {MOST_STEPS:,} at most."
        yield FieldFault(at=("stages",), message=message)


def _circle(names: tuple[str, ...]) -> str:
    return f"Pipelines cannot contain themselves: {' → '.join(names)}."


def _graph(
    root: str, documents: Mapping[str, Pipeline], processors: Mapping[str, ProcessorSpec]
) -> tuple[Graph, frozenset[str]]:
    """Return which pipelines contain which, from one down, and those that directly contain themselves."""
    names = {root: None}
    nodes: list[GraphNode] = []
    reached = [root]
    for name in reached:  # grows while it is read
        inner = [each.name for each in contained(documents[name], processors) if each.name in documents]
        nodes.append(GraphNode(id=name, needs=tuple(inner)))
        reached += [each for each in dict.fromkeys(inner) if each not in names]
        names |= dict.fromkeys(inner)
    return Graph(nodes=tuple(nodes)), frozenset(node.id for node in nodes if node.id in node.needs)


def _sizes(graph: Graph, documents: Mapping[str, Pipeline]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how deep each pipeline is, itself included, and its steps with those of all that it contains."""
    depths: dict[str, int] = {}
    steps: dict[str, int] = {}
    for name in graph.order:
        needs = [need for need in graph.node(name).needs if need in depths]
        depths[name] = 1 + max((depths[need] for need in needs), default=0)
        total = len(documents[name].stages) + sum(steps[need] for need in needs)
        steps[name] = min(total, MOST_COUNTED)
    return depths, steps
