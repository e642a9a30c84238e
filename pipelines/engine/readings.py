"""What a definition names: each expression and name in it, what it reads, which pipelines it contains.

One walk over the definition as a document, along its schema and those of the options, serves all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.fields import FieldFault, parsed, part_schema
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.places import Keys, texts
from orchestration.expressions.schemas import parse_schema
from orchestration.expressions.sources import DEEPEST_SOURCE, Place
from orchestration.expressions.transforms.lists import parse_transform
from orchestration.expressions.values import unknown
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import InlineStage, Pipeline, Stage
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.rules import ErrorStrategy
from pipelines.engine.scope import Root, parse_source, with_stages

ROOTS = [str(root) for root in Root]


def marks(
    written: Json, schema: Json, processors: Mapping[str, ProcessorSpec], at: Keys = ()
) -> Iterator[Marked]:
    """Yield all names and expressions in a part of a definition, as it is written, those in options included.

    A stage inside the options of another is yielded itself, then what is in it. `at` is where the part is.
    """
    for mark in marked_options(schema, written, at):
        if mark.format is OptionFormat.OPTIONS:
            spec = processors.get(str(mark.beside.get("processor")))
            yield from marks(mark.value, spec.options_schema if spec else {}, processors, mark.at)
            continue
        if mark.format is OptionFormat.TEMPLATES:
            yield from (replace(mark, value=text, at=place) for place, text in texts(mark.value, mark.at))
            continue
        yield mark
        if mark.format is OptionFormat.INLINE_STAGE:
            for each in marks(mark.value, part_schema(InlineStage), processors, mark.at):
                yield replace(each, is_inside=True)


def pipeline_marks(pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> Iterator[Marked]:
    """Yield all names and expressions in a pipeline; a fallback only where it can take over."""
    is_fallback = pipeline.error_handling.strategy is ErrorStrategy.FALLBACK
    written = pipeline.model_dump(exclude_unset=True)  # as Python has it: numbers and texts stay as they are
    for mark in marks(written, part_schema(Pipeline), processors):
        if is_fallback or mark.at[0] != "error_handling":
            yield mark


def options_marks(stage: Stage, processors: Mapping[str, ProcessorSpec]) -> Iterator[Marked]:
    """Yield all names and expressions in the options of a stage."""
    written = {"processor": stage.processor, "options": stage.options}
    yield from marks(written, part_schema(Stage), processors)


def contained(pipeline: Pipeline, processors: Mapping[str, ProcessorSpec]) -> list[Marked]:
    """Return where a pipeline names others, in the order of its fields."""
    return [mark for mark in pipeline_marks(pipeline, processors) if mark.format is OptionFormat.PIPELINE]


def readings(mark: Marked) -> Iterator[Place | FieldFault]:
    """Yield what an expression reads, or why it is none; nothing for names."""
    match mark.format:
        case OptionFormat.CONDITION:
            yield from _of_condition(mark)
        case OptionFormat.TEMPLATE | OptionFormat.TEMPLATES:
            yield from _of_source(mark, {"template": mark.value})
        case OptionFormat.SOURCE:
            yield from _of_source(mark, mark.value)
        case OptionFormat.SOURCES:
            yield from _of_source(mark, with_stages(mark.value))
        case form:
            found = parsed(PARSERS[form], mark.value, mark.at) if form in PARSERS else None
            if isinstance(found, FieldFault):
                yield found


def source_with(written: Json, change: Callable[[Json, Keys], Json], at: Keys = ()) -> Json:
    """Return a source in which `change` was made to each path and each `{template: text}`.

    It is given where in the source that is. Literal values stay, and what is nested too deeply to be read.
    """
    match written:
        case _ if len(at) > DEEPEST_SOURCE:
            return written
        case str() | {"template": str()} if not isinstance(written, dict) or len(written) == 1:
            return change(written, at)
        case {"from": source, **others} if not others.keys() - {"default"}:
            return {**written, "from": source_with(source, change, (*at, "from"))}
        case dict() if written.keys() != {"value"}:
            return {name: source_with(each, change, (*at, str(name))) for name, each in written.items()}
        case list():
            return [source_with(each, change, (*at, number)) for number, each in enumerate(written)]
        case _:
            return written


def _of_source(mark: Marked, written: Json) -> Iterator[Place | FieldFault]:
    source = parsed(parse_source, written, mark.at)
    if isinstance(source, FieldFault):
        yield source
        return
    for place in source.places:
        yield replace(place, is_optional=place.is_optional or mark.is_optional)


def _of_condition(mark: Marked) -> Iterator[Place | FieldFault]:
    condition = parsed(parse_condition, mark.value, mark.at)
    if isinstance(condition, FieldFault):
        yield condition
        return
    for name in sorted(condition.names - set(ROOTS)):
        yield FieldFault(at=mark.at, message=unknown("name", name, ROOTS))
    for root, *keys in condition.paths:
        if root in ROOTS and (keys or root != Root.STAGES):
            yield Place(root=Root(root), keys=tuple(keys))


PARSERS: Mapping[OptionFormat, Callable[[Json], object]] = {
    OptionFormat.PICK: parse_pick,
    OptionFormat.TRANSFORM: parse_transform,
    OptionFormat.SCHEMA: lambda written: written is None or parse_schema(written),
}
