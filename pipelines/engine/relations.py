"""What stages are to each other: which is later, what one may read, which cannot run, which conflict.

And the types of the values on their way from stage to stage, as far as they are declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, pairwise

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import FieldFault
from orchestration.expressions.places import Keys
from orchestration.expressions.schemas import closed_fields, schema_types
from orchestration.expressions.sources import Composed, LiteralValue, Otherwise, Place, Rendered, Source
from orchestration.expressions.transforms.lists import Types, types_after
from orchestration.expressions.values import ANY, ValueType, listed, types_text, unknown, value_type
from orchestration.graphs.graph import Join
from pipelines.engine.definition import InlineStage, Pipeline, Stage
from pipelines.engine.mapping import DestinationKind, parse_destination
from pipelines.engine.options import ProcessorSpec
from pipelines.engine.rules import DefaultValue, FallbackPipeline, GoTo, InputMapping, OutputMapping
from pipelines.engine.scope import CONTEXT, OF_AN_ITEM, Root, parse_source

EVERY: Types = frozenset(ANY)
FINAL, VARIABLE = "final", "variable."
ORDERING = ((), ("processor",), ("options",), ("needs",), ("join",), ("on_error",))
"""The fields of a stage, or all of it, that say what waits for what."""


class Relations:
    """The stages of one pipeline; of stages with one name only the first counts.

    Nothing is concluded from what waits for what, and what is written, where fields are `wrong` that say it.
    """

    def __init__(self, pipeline: Pipeline, wrong: Sequence[FieldFault] = ()) -> None:
        self._pipeline = pipeline
        self.graph = pipeline.graph.forward  # what leads back is a fault of its own
        in_stages = {(fault.at[1], fault.at[2:3]) for fault in wrong if fault.at[:1] == ("stages",)}
        fields = {field for _, field in in_stages}
        self._is_ordered = fields.isdisjoint(ORDERING)
        has_values = all(fault.at[:1] != ("variables",) for fault in wrong)
        self._has_variables = has_values and fields.isdisjoint({(), ("output",)})
        self.numbers: dict[str, int] = {}
        for number, stage in enumerate(pipeline.stages):
            self.numbers.setdefault(stage.id, number)
        unnamed = {number for number, field in in_stages if field in {(), ("id",)}}
        self._names = [name for name, number in self.numbers.items() if number not in unnamed]

    def name_fault(self, name: str) -> str:
        """Return what is wrong with the name of a stage; empty where there is one."""
        return "" if name in self.numbers else unknown("stage", name, self._names)

    def later_fault(self, stage: str, name: str) -> str:
        """Return what is wrong with the name of a stage that has to come after another."""
        if self.numbers.get(name, -1) > self.numbers[stage]:
            return ""
        return self.name_fault(name) or f"{name} is no later stage: only forward is possible."

    @cached_property
    def writers(self) -> dict[str, list[str]]:
        """The stages that write each `variable.<name>` and `final`, in the order in which they run."""
        places = {name: place for place, name in enumerate(self.graph.order)}
        found: dict[str, list[str]] = {}
        for stage in sorted(self._pipeline.stages, key=lambda each: places.get(each.id, len(places))):
            destinations = stage.output.destinations if stage.output else ()
            for to in dict.fromkeys(map(_written, destinations)):
                found.setdefault(to, []).append(stage.id)
        found.pop("", None)
        return found

    def reading_fault(self, reader: str, place: Place, *, is_inside: bool) -> str:
        """Return what is wrong with what a stage, or the pipeline's output (""), reads; empty for nothing.

        It `is_inside` where a stage reads it that stands inside the options of another.
        """
        match place.root, place.keys:
            case Root.STAGES, (name, *_):
                return self.name_fault(str(name)) or self._order_fault(reader, place, [str(name)])
            case Root.VARIABLE, (name, *_):
                return self._variable_fault(reader, place, str(name))
            case Root.INPUT, (str(name), *_) if not place.is_optional:
                known = closed_fields(self._pipeline.input.json_schema)
                return "" if known is None or name in known else unknown("field of the input", name, known)
            case Root.CONTEXT, (name, *_) if str(name) not in CONTEXT:
                return unknown("field of the context", str(name), CONTEXT)
            case Root.CONTEXT, (name, *_) if name in OF_AN_ITEM and not is_inside:
                return f"{place} is known only in a stage that runs for each item of a list."
            case _:
                return ""

    def _variable_fault(self, reader: str, place: Place, name: str) -> str:
        writers = self.writers.get(VARIABLE + name, [])
        if name in self._pipeline.variables or not (writers or self._has_variables):
            return ""
        if writers:
            return self._order_fault(reader, place, writers)
        written = (key.removeprefix(VARIABLE) for key in self.writers if key != FINAL)
        return unknown("variable", name, dict.fromkeys((*self._pipeline.variables, *written)))

    def _order_fault(self, reader: str, place: Place, sources: list[str]) -> str:
        """Return that none of the stages that give a value has always ended before it is read."""
        if not reader or place.is_optional or not self._is_certain:
            return ""
        sources = [name for name in sources if name != reader]
        if not sources:
            return f"{reader} cannot read what it gives itself."
        if any(self.graph.has_ended(name, reader) for name in sources):
            return ""
        return f"{listed(sources)} need not have ended when {reader} starts: need it, or give a default."

    @property
    def _is_certain(self) -> bool:
        """Whether it is known what waits for what."""
        return self._is_ordered and not self.graph.cycle

    def faults(self) -> Iterator[FieldFault]:
        """Yield what is wrong with the order of the stages, as far as that is known."""
        if self._is_ordered:
            yield from chain(self._circles(), self._unreachable(), self._conflicts())

    def _circles(self) -> Iterator[FieldFault]:
        """Yield each circle of stages that wait for each other, at the needs of its first stage."""
        for circle in self.graph.cycles:
            message = f"Stages wait for each other: {' → '.join(circle)}."
            yield FieldFault(at=("stages", self.numbers[circle[0]], "needs"), message=message)

    def _unreachable(self) -> Iterator[FieldFault]:
        """Yield the stages that can never run."""
        stages = self._pipeline.stages
        never = [name for name, number in self.numbers.items() if _is_never(stages[number].when)]
        found = dict.fromkeys(never, ("when", "The condition is never true."))
        for name, is_unchosen in self.graph.never_reached(never).items():
            why = "no branch can choose it" if is_unchosen else "what it needs never runs"
            found.setdefault(name, ("id" if is_unchosen else "needs", f"It is never reached: {why}."))
        for name, (field, message) in found.items():
            yield FieldFault(at=("stages", self.numbers[name], field), message=message)

    def _conflicts(self) -> Iterator[FieldFault]:
        """Yield stages that write one variable, or the final output, without an order between them."""
        for key, writers in self.writers.items():
            for one, other in pairwise(writers):
                if one != other and self._is_certain and not self.graph.are_ordered(one, other):
                    message = f"{one} and {other} both write {key}, in no certain order."
                    yield FieldFault(at=("stages", self.numbers[other], "output", "to"), message=message)


def _written(destination: str) -> str:
    """Return the `variable.<name>` or `final` that a destination such as `variable.kind.name` is part of."""
    try:
        parsed = parse_destination(destination)
    except ExpressionError:
        return ""
    if parsed.kind is DestinationKind.VARIABLE:
        return VARIABLE + parsed.keys[0]
    return FINAL if parsed.kind is DestinationKind.FINAL else ""


def _is_never(condition: str | None) -> bool:
    """Return whether a condition reads nothing and is false."""
    try:
        parsed = parse_condition(condition or "true")
        return not parsed.names and not parsed.evaluate({})
    except ExpressionError:
        return False


class Flows:
    """The types that the stages of a pipeline give and take, as far as these are declared."""

    def __init__(self, pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> None:
        self._pipeline = pipeline
        self._processors = processors
        self._stages = {stage.id: stage for stage in reversed(pipeline.stages)}
        self._given = {name: self._output_types(stage) for name, stage in self._stages.items()}
        self._graph = pipeline.graph

    def _may_pass(self, name: str) -> bool:
        """Return whether a stage may be passed over, so that what follows is given what it was given."""
        stage = self._stages[name]
        is_tolerated = stage.optional or stage.on_error == "skip" or isinstance(stage.on_error, GoTo)
        return stage.when is not None or is_tolerated

    def stage_faults(self, stage: Stage | InlineStage, at: Keys) -> Iterator[FieldFault]:
        """Yield where the mappings of a stage are given what they cannot take."""
        reader = stage.id if isinstance(stage, Stage) else ""
        yield from self.input_faults(stage.input, (*at, "input"), reader)
        if stage.output is not None:
            yield from _through(self._result_types(stage), stage.output, (*at, "output"))[1]

    def input_faults(self, mapping: InputMapping | None, at: Keys, reader: str = "") -> Iterator[FieldFault]:
        """Yield where a mapping, of a stage or of the pipeline's output, is given what it cannot take."""
        if mapping is None or "source" not in mapping.model_fields_set:
            return
        try:
            source = parse_source(mapping.source)
        except ExpressionError:
            return
        types = self._source_types(source, reader)
        if mapping.has_default:
            types |= {value_type(mapping.default)}
        if types:
            yield from _through(types, mapping, at)[1]
        else:
            message = f"{source} is not there: what it is read from has no fields."
            yield FieldFault(at=(*at, "from"), message=message)

    def _result_types(self, stage: Stage | InlineStage) -> Types:
        spec = self._processors.get(stage.processor)
        return EVERY if spec is None else frozenset(spec.gives)

    def _output_types(self, stage: Stage) -> Types:
        """Return the types that others may read as the output of a stage."""
        types = self._result_types(stage)
        if stage.output is not None:
            types = _through(types, stage.output, ())[0]
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
                return schema_types(self._pipeline.input.json_schema, keys)
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
                types |= schema_types(self._pipeline.input.json_schema, keys)
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
        by_stage = schema_types(output.json_schema if output is not None else None, keys)
        return by_stage if isinstance(self._stages[stage].on_error, str) else EVERY


def _through(
    types: Types, mapping: InputMapping | OutputMapping, at: Keys
) -> tuple[Types, tuple[FieldFault, ...]]:
    """Return the types after the transforms and the schema of a mapping, and what first cannot be taken."""
    types, misfits = types_after(mapping.transforms, types)
    wanted = schema_types(mapping.json_schema)
    if misfits:
        return EVERY, tuple(each.under(*at, "transforms") for each in misfits)
    if types.isdisjoint(wanted):
        message = f"The schema asks for {types_text(wanted)}, and is given {types_text(types)}."
        return wanted, (FieldFault(at=(*at, "schema"), message=message),)
    return types & wanted, ()
