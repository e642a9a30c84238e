"""The types of values on their way from stage to stage, as far as they are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.transforms.lists import parse_transform
from orchestration.expressions.values import ANY, ValueType, value_type
from orchestration.graphs.graph import Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import InlineStage, Pipeline, Stage
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.problems import FieldFault, Keys
from pipelines.engine.rules import DefaultValue, FallbackPipeline, GoTo, InputMapping, OutputMapping
from pipelines.engine.scope import Root
from pipelines.engine.sources import Composed, LiteralValue, Otherwise, Place, Rendered, Source, parse_source

Types = frozenset[ValueType]
EVERY: Types = frozenset(ANY)
OF_SCHEMA = {
    "string": ValueType.TEXT,
    "number": ValueType.NUMBER,
    "integer": ValueType.NUMBER,
    "boolean": ValueType.BOOLEAN,
    "array": ValueType.LIST,
    "object": ValueType.OBJECT,
    "null": ValueType.NOTHING,
}


class Flows:
    """The types that the stages of a pipeline give and take."""

    def __init__(self, pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> None:
        self._pipeline = pipeline
        self._processors = processors
        self._stages = {stage.id: stage for stage in reversed(pipeline.stages)}
        self._given = {name: self._output_types(stage) for name, stage in self._stages.items()}
        self._graph = pipeline.graph

    def _may_pass(self, name: str) -> bool:
        """Return whether a stage may be passed over, so that what follows is given what it was given."""
        stage = self._stages[name]
        return (
            stage.when is not None
            or stage.optional
            or stage.on_error == "skip"
            or isinstance(stage.on_error, GoTo)
        )

    def stage_faults(self, stage: Stage | InlineStage) -> Iterator[FieldFault]:
        """Yield where the mappings of a stage are given what they cannot take."""
        if stage.input is not None:
            reader = stage.id if isinstance(stage, Stage) else ""
            yield from self.input_faults(stage.input, ("input",), reader)
        if stage.output is not None:
            _, faults = _through(self._result_types(stage), stage.output, ("output",))
            yield from faults

    def input_faults(self, mapping: InputMapping, at: Keys, reader: str = "") -> Iterator[FieldFault]:
        """Yield where a mapping, of a stage or of the pipeline's output, is given what it cannot take."""
        if "source" not in mapping.model_fields_set:
            return
        try:
            source = parse_source(mapping.source)
        except ExpressionError:
            return
        types = self._source_types(source, reader)
        if mapping.has_default:
            types |= {value_type(mapping.default)}
        if not types:
            yield FieldFault(
                at=(*at, "from"), message=f"{source} is not there: what it is read from has no fields."
            )
            return
        _, faults = _through(types, mapping, at)
        yield from faults

    def _result_types(self, stage: Stage | InlineStage) -> Types:
        spec = self._processors.get(stage.processor)
        return EVERY if spec is None else frozenset(spec.gives)

    def _output_types(self, stage: Stage) -> Types:
        """Return the types that others may read as the output of a stage."""
        types = self._result_types(stage)
        if stage.output is not None:
            types = _through(types, stage.output, ("output",))[0]
        if isinstance(stage.on_error, FallbackPipeline):
            return EVERY
        if isinstance(stage.on_error, DefaultValue):
            return types | {value_type(stage.on_error.default)}
        return types

    def _source_types(self, source: Source, reader: str) -> Types:
        match source:
            case LiteralValue(value=value):
                return frozenset({value_type(value)})
            case Rendered():
                return frozenset({ValueType.TEXT})
            case Composed(names=names):
                return frozenset({ValueType.LIST if names is None else ValueType.OBJECT})
            case Otherwise(source=inner, default=default):
                return self._source_types(inner, reader) | {value_type(default)}
            case _:
                return self._place_types(source, reader) if isinstance(source, Place) else EVERY

    def _place_types(self, place: Place, reader: str) -> Types:
        match place.root, place.keys:
            case Root.INPUT, keys:
                return _schema_types(self._pipeline.input.json_schema, keys)
            case Root.STAGES, (str(name), "output", *keys) if name in self._given:
                return self._types_below(name, tuple(keys))
            case Root.PREVIOUS, keys if reader:
                return self._previous_types(reader, keys)
            case _:
                return EVERY

    def _previous_types(self, reader: str, keys: Keys) -> Types:
        """Return the types at a path in what a stage works on, as the runner finds it.

        That is what the stage before gives; where that one may be passed over, also what it was given itself.
        """
        types, readers = Types(), [reader]
        for stage in readers:  # grows while it is read
            needs = self._graph.needs[stage]
            if len(needs) > 1 and self._graph.node(stage).join in {Join.ALL, Join.QUORUM}:
                types |= EVERY if keys else {ValueType.OBJECT}
                continue
            before = needs or self._graph.routers[stage]
            if not before:
                types |= _schema_types(self._pipeline.input.json_schema, keys)
            for name in before:
                types |= self._types_below(name, keys)
                if self._may_pass(name) and name not in readers:
                    readers.append(name)
        return types

    def _types_below(self, stage: str, keys: Keys) -> Types:
        """Return the types at a path in the output of a stage."""
        given = self._given[stage]
        if not keys:
            return given
        if not given & {ValueType.OBJECT, ValueType.LIST}:
            return frozenset()
        output = self._stages[stage].output
        by_stage = _schema_types(output.json_schema if output is not None else None, keys)
        return by_stage if isinstance(self._stages[stage].on_error, str) else EVERY


def _through(
    types: Types, mapping: InputMapping | OutputMapping, at: Keys
) -> tuple[Types, tuple[FieldFault, ...]]:
    """Return the types after the transforms and the schema of a mapping, and what first cannot be taken."""
    for number, written in enumerate(mapping.transforms):
        try:
            spec = parse_transform(written).spec
        except ExpressionError:
            return EVERY, ()
        if not types & set(spec.takes):
            message = f"{spec.name} takes {_words(spec.takes)}, and is given {_words(types)}."
            return EVERY, (FieldFault(at=(*at, "transforms", number), message=message),)
        types = frozenset(spec.gives)
    wanted = _schema_types(mapping.json_schema, ())
    if not types & wanted:
        message = f"The schema asks for {_words(wanted)}, and is given {_words(types)}."
        return wanted, (FieldFault(at=(*at, "schema"), message=message),)
    return types & wanted, ()


def _words(types: Types | tuple[ValueType, ...]) -> str:
    return " or ".join(each.words for each in ValueType if each in types)


def _schema_types(schema: Json, keys: Keys) -> Types:
    """Return the types that a JSON Schema allows at a path, all where it does not say."""
    for key in keys:
        below = (
            schema.get("items" if isinstance(key, int) else "properties")
            if isinstance(schema, dict)
            else None
        )
        schema = below if isinstance(key, int) or not isinstance(below, dict) else below.get(key)
    written = schema.get("type") if isinstance(schema, dict) else None
    names = written if isinstance(written, list) else [written]
    known = [{OF_SCHEMA[name]} for name in names if isinstance(name, str) and name in OF_SCHEMA]
    return frozenset(reduce(or_, known)) if known else EVERY
