"""What the mappings, conditions, templates and options of a stage read, and what in them is no expression."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestration.expressions.conditions import Condition, parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.transforms.lists import parse_transform
from orchestration.expressions.values import unknown
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import InlineStage, Pipeline, Stage, readable
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import FieldFault, Keys
from pipelines.engine.rules import InputMapping, OutputMapping
from pipelines.engine.scope import Root
from pipelines.engine.sources import Place, parse_source, with_stages

ROOTS = [str(root) for root in Root]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is read at a field: `place` is the source, and whether it may be missing.

    It `is_inside` where a stage reads it that stands inside the options of another.
    """

    at: Keys
    place: Place
    is_inside: bool = False


Found = Reading | FieldFault


def stage_readings(
    stage: Stage | InlineStage, options_schema: Json, processors: Mapping[str, ProcessorSpec] | None = None
) -> Iterator[Found]:
    """Yield what a stage reads and what cannot be read, in the order of its fields.

    `processors` are those of the stages inside its options; what the options of others read is left out.
    """
    for option in marked_options(options_schema, stage.options):
        if option.format is OptionFormat.INLINE_STAGE:
            yield from _of_inline(option, processors or {})
        else:
            yield from _of_option(option)
    yield from input_readings(stage.input, ("input",))
    if stage.output is not None:
        yield from _of_mapping(stage.output, ("output",))
    if isinstance(stage, Stage) and stage.when is not None:
        yield from _of_condition(stage.when, ("when",))


def _of_inline(option: Marked, processors: Mapping[str, ProcessorSpec]) -> Iterator[Found]:
    stage, _ = readable(InlineStage, option.value)
    if stage is not None:
        spec = processors.get(stage.processor)
        for found in stage_readings(stage, spec.options_schema if spec else {}, processors):
            at = ("options", *option.at, *found.at)
            yield (
                replace(found, at=at, is_inside=True) if isinstance(found, Reading) else replace(found, at=at)
            )


def pipeline_readings(pipeline: Pipeline) -> Iterator[Found]:
    """Yield what the pipeline itself reads and what cannot be read."""
    yield from parse_faults(_schema, pipeline.input.json_schema, ("input", "schema"))
    yield from input_readings(pipeline.output, ("output",))


def input_readings(mapping: InputMapping | None, at: Keys) -> Iterator[Found]:
    """Yield what a mapping reads and what cannot be read; the source that nobody wrote is always there."""
    if mapping is None:
        return
    if "source" in mapping.model_fields_set:
        yield from _of_source(mapping.source, (*at, "from"), is_optional=mapping.has_default)
    yield from _of_mapping(mapping, at)


def _of_mapping(mapping: InputMapping | OutputMapping, at: Keys) -> Iterator[Found]:
    for number, written in enumerate(mapping.transforms):
        yield from parse_faults(parse_transform, written, (*at, "transforms", number))
    yield from parse_faults(_schema, mapping.json_schema, (*at, "schema"))


def _of_option(option: Marked) -> Iterator[Found]:
    at: Keys = ("options", *option.at)
    match option.format:
        case OptionFormat.CONDITION:
            yield from _of_condition(option.value, at)
        case OptionFormat.TEMPLATE | OptionFormat.TEMPLATES:
            for below, text in _texts(option.value, at):
                yield from _of_source({"template": text}, below)
        case OptionFormat.SOURCE:
            yield from _of_source(option.value, at)
        case OptionFormat.SOURCES:
            yield from _of_source(with_stages(option.value), at)
        case kind if kind in PARSERS:
            yield from parse_faults(PARSERS[kind], option.value, at)
        case _:
            pass  # names of stages and pipelines


def _texts(value: Json, at: Keys) -> Iterator[tuple[Keys, str]]:
    """Yield every text in a value and where it stands, names of fields left out."""
    if isinstance(value, str):
        yield at, value
    inside = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, each in inside:
        yield from _texts(each, (*at, key))


def _of_source(written: Json, at: Keys, *, is_optional: bool = False) -> Iterator[Found]:
    try:
        source = parse_source(written)
    except ExpressionError as error:
        yield FieldFault(at=at, message=_sentence(error))
        return
    for place in source.places:
        optional = is_optional or place.is_optional
        yield Reading(at=at, place=Place(root=place.root, keys=place.keys, is_optional=optional))


def _of_condition(text: str, at: Keys) -> Iterator[Found]:
    try:
        condition = parse_condition(text)
    except ExpressionError as error:
        yield FieldFault(at=at, message=_sentence(error))
        return
    for name in sorted(condition.names - set(ROOTS)):
        yield FieldFault(at=at, message=unknown("name", name, ROOTS))
    yield from (Reading(at=at, place=place) for place in _places(condition))


def _places(condition: Condition) -> Iterator[Place]:
    """Yield the paths that a condition reads, as far as they are written out."""
    nodes = [condition.tree]
    for node in nodes:  # grows while it is read
        path = node.path()
        if path and path[0] in condition.names and path[0] in ROOTS:
            if path[0] != Root.STAGES or len(path) > 1:
                yield Place(root=Root(path[0]), keys=path[1:])
        else:
            nodes += node.parts


def parse_faults(parse: Callable[[Json], object], written: Json, at: Keys) -> Iterator[FieldFault]:
    """Yield why something cannot be parsed."""
    try:
        parse(written)
    except ExpressionError as error:
        yield FieldFault(at=at, message=_sentence(error))


def _schema(written: Json) -> None:
    if written is not None:
        parse_schema(written)


PARSERS: Mapping[OptionFormat, Callable[[Json], object]] = {
    OptionFormat.PICK: parse_pick,
    OptionFormat.TRANSFORM: parse_transform,
    OptionFormat.SCHEMA: _schema,
}


def _sentence(error: ExpressionError) -> str:
    """Return what is wrong with an expression, with the character where that is known and not said."""
    message = str(error)
    if error.position is None or "character" in message:
        return message
    return f"{message.removesuffix('.')}, at character {error.position + 1}."
