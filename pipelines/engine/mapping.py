"""What goes into a stage and what comes out of it: a source, transforms, a schema, destinations.

MappingError    a mapping that fails on a value: where in the mapping, why, and the steps until then
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.expressions.transforms.lists import TRANSFORMS, Transform, parse_transform
from orchestration.expressions.transforms.specs import (
    GIVEN,
    MISSING,
    TAKEN,
    Step,
    TransformError,
    WorkCount,
    transform,
)
from orchestration.expressions.values import ValueType, clipped, shortened, value_type
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.consensus import extraction
from pipelines.engine.scope import MissingValue, Root, Scope
from pipelines.engine.sources import Source, parse_place, parse_source

SHOWN_PROBLEMS = 3


@transform(
    takes=(ValueType.TEXT,),
    gives=(ValueType.TEXT, ValueType.NOTHING),
    main="question",
    value="6 times 7 is 42.\nThe answer is 42.",
    result="42",
)
def extract_answer(
    *,
    question: Annotated[
        str | None, Field(max_length=10_000, description="Tells what form the answer has.")
    ] = None,
) -> Step:
    """Find the final answer that a model states; nothing where it is not clear what it is."""

    def stated(text: str) -> Json:
        found = extraction.extract_answer(text, question=question)
        return None if found is None else found.raw

    return stated


TRANSFORMS[extract_answer.name] = extract_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """One step of a mapping: its place (`from`, `transforms[0]`), its name, the value or the error."""

    path: str
    name: str
    value: Json = None
    error: str = ""


Trace = tuple[Traced, ...]


class MappingError(ValueError):
    """A mapping that fails: `path` in the mapping, the message, the value shortened, the steps until then."""

    def __init__(self, message: str, *, path: str, value: str, trace: Trace = ()) -> None:
        super().__init__(message)
        self.path, self.value, self.trace = path, value, trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """The result of a mapping and the steps to it."""

    value: Json
    trace: Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """Transforms one after the other, then a schema that the result has to fit."""

    transforms: tuple[Transform, ...] = ()
    schema: Schema | None = None

    def apply(self, value: Json, trace: Trace) -> Mapped:
        """Return the result. Raises `MappingError`."""
        work = WorkCount()
        for place, each in enumerate(self.transforms):
            path = f"transforms[{place}]"
            try:
                value = each.apply(value, work)
            except TransformError as error:
                raise failure(str(error), value, Traced(path=path, name=each.name), trace) from None
            trace = (*trace, Traced(path=path, name=each.name, value=value))
        if self.schema is not None:
            step = Traced(path="schema", name="schema", value=value)
            if message := misfit(self.schema, value):
                raise failure(message, value, step, trace)
            trace = (*trace, step)
        return Mapped(value=value, trace=trace)


def failure(message: str, value: Json, step: Traced, trace: Trace) -> MappingError:
    """Return the error of a step, with the step among those that were done."""
    whole = (*trace, replace(step, error=message))
    return MappingError(message, path=step.path, value=shortened(value), trace=whole)


def misfit(schema: Schema, value: Json) -> str:
    """Return in what a value does not fit a schema, with paths and values; empty where it fits."""
    problems = schema.problems(value)
    shown = [
        f"{problem.path or 'the value'}: {problem.message.rstrip('.')} ({_at(value, problem.path)})"
        for problem in problems[:SHOWN_PROBLEMS]
    ]
    rest = len(problems) - len(shown)
    return "; ".join([*shown, *[f"and {rest} more"] * (rest > 0)])


def _at(value: Json, path: str) -> str:
    """Return what stands at a path, shortened; the whole value where the path cannot be followed."""
    try:
        place = parse_place(f"input{'.' * (path[:1] not in {'', '['})}{path}")
        return shortened(place.read(Scope(input=value)))
    except (ExpressionError, MissingValue):
        return shortened(value)


def parse_conversion(transforms: Sequence[Json] = (), schema: Json = None) -> Conversion:
    """Read the transforms and the schema of a mapping. Raises `ExpressionError`."""
    parsed = tuple(parse_transform(written) for written in transforms)
    return Conversion(transforms=parsed, schema=None if schema is None else parse_schema(schema))


@dataclass(frozen=True, kw_only=True, slots=True)
class InputPlan:
    """An input mapping that was read. `default` stands for a value that is missing, where there is one."""

    source: Source
    conversion: Conversion
    default: Json = MISSING


def parse_input(
    source: Json, transforms: Sequence[Json] = (), schema: Json = None, default: Json = MISSING
) -> InputPlan:
    """Read an input mapping. Raises `ExpressionError`."""
    conversion = parse_conversion(transforms, schema)
    return InputPlan(source=parse_source(source), conversion=conversion, default=default)


def mapped_input(scope: Scope, plan: InputPlan) -> Mapped:
    """Return what a stage works on. Raises `MappingError`."""
    try:
        value, name = plan.source.read(scope), "from"
    except MissingValue as error:
        if plan.default is MISSING:
            raise failure(str(error), None, Traced(path="from", name="from"), ()) from None
        value, name = plan.default, "default"
    except ExpressionError as error:
        raise failure(str(error), None, Traced(path="from", name="template"), ()) from None
    if fault := TAKEN.excess(value):
        raise failure(f"The value {fault}.", value, Traced(path=name, name=name), ())
    return plan.conversion.apply(value, (Traced(path=name, name=name, value=value),))


class DestinationKind(StrEnum):
    """Where a result goes. Stages that follow read it in any case."""

    NEXT = "next"
    VARIABLE = "variable"
    FINAL = "final"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A place for a result; `keys` are the variable and the fields in it."""

    kind: DestinationKind
    keys: tuple[str, ...] = ()


def parse_destination(text: str) -> Destination:
    """Read `next`, `final` or `variable.<name>`, which may go on to fields. Raises `ExpressionError`."""
    if text in {DestinationKind.NEXT, DestinationKind.FINAL}:
        return Destination(kind=DestinationKind(text))
    if not text.startswith(f"{Root.VARIABLE}."):
        raise ExpressionError(
            f"A result goes to next, final or variable.<name>, not to “{clipped(text)}”.", position=0
        )
    keys = parse_place(text).keys
    names = tuple(key for key in keys if isinstance(key, str))
    if len(names) < len(keys):
        raise ExpressionError(f"A result is put into fields, not into items of a list: “{clipped(text)}”.")
    return Destination(kind=DestinationKind.VARIABLE, keys=names)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputPlan:
    """An output mapping that was read."""

    conversion: Conversion = Conversion()
    destinations: tuple[Destination, ...] = (Destination(kind=DestinationKind.NEXT),)

    @property
    def writes(self) -> bool:
        """Whether the result goes into a variable."""
        return any(each.kind is DestinationKind.VARIABLE for each in self.destinations)

    @property
    def is_final(self) -> bool:
        """Whether the result is the pipeline's."""
        return any(each.kind is DestinationKind.FINAL for each in self.destinations)


def parse_output(
    destinations: Sequence[str] = ("next",), transforms: Sequence[Json] = (), schema: Json = None
) -> OutputPlan:
    """Read an output mapping. Raises `ExpressionError`."""
    places = tuple(parse_destination(text) for text in destinations)
    return OutputPlan(conversion=parse_conversion(transforms, schema), destinations=places)


def mapped_output(result: Json, plan: OutputPlan) -> Mapped:
    """Return the output of a stage from what its processor gave. Raises `MappingError`."""
    step = Traced(path="result", name="result", value=result)
    if fault := GIVEN.excess(result):
        raise failure(f"The result {fault}.", result, replace(step, value=None), ())
    return plan.conversion.apply(result, (step,))


def with_output(variables: Mapping[str, Json], plan: OutputPlan, output: Json) -> dict[str, Json]:
    """Return the variables after a stage; the given ones stay as they are. Raises `MappingError`."""
    changed: Json = dict(variables)
    for destination in plan.destinations:
        if destination.kind is DestinationKind.VARIABLE:
            changed = _placed(changed, destination.keys, output, 0)
    return dict(changed)


def _placed(holder: Json, keys: tuple[str, ...], value: Json, done: int) -> Json:
    if done == len(keys):
        return value
    if not isinstance(holder, dict):
        at = ".".join((Root.VARIABLE, *keys[:done]))
        raise MappingError(
            f"{at} is {value_type(holder).words}; only an object has fields.",
            path="to",
            value=shortened(holder),
        )
    return holder | {keys[done]: _placed(holder.get(keys[done], {}), keys, value, done + 1)}
