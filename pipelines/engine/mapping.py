"""What goes into a stage and what comes out of it: a source, transforms, a schema, destinations.

MappingError    a mapping that fails on a value: where in the mapping, and why
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """One step of a mapping: its place (`from`, `transforms[0]`), the value after it, or the error."""

    path: str
    value: Json = None
    error: str = ""


Trace = list[Traced] | None
"""The steps of a mapping, for whom they are to be shown: those that are done are added."""


class MappingError(ValueError):
    """A mapping that fails: `path` in the mapping, the message, the value shortened."""

    def __init__(self, message: str, *, path: str, value: Json) -> None:
        super().__init__(message)
        self.path, self.value = path, shortened(value)


def _step(trace: Trace, path: str, value: Json, fault: str = "") -> None:
    """Add a step to those that are shown. Raises `MappingError` for one that failed."""
    if trace is not None:
        trace.append(Traced(path=path, value=value, error=fault))
    if fault:
        raise MappingError(fault, path=path, value=value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """Transforms one after the other, then a schema that the result has to fit."""

    transforms: tuple[Transform, ...] = ()
    schema: Schema | None = None

    def apply(self, value: Json, trace: Trace = None) -> Json:
        """Return the result. Raises `MappingError`."""
        work = WorkCount() if self.transforms else None
        for place, each in enumerate(self.transforms):
            fault = ""
            try:
                value = each.apply(value, work)
            except TransformError as error:
                fault = str(error)
            _step(trace, f"transforms[{place}]", value, fault)
        if self.schema is not None:
            _step(trace, "schema", value, misfit(self.schema, value))
        return value


def misfit(schema: Schema, value: Json) -> str:
    """Return in what a value does not fit a schema, with paths and values; empty where it fits."""
    problems = schema.problems(value)
    shown = [
        f"{problem.path or 'the value'}: {problem.message.rstrip('.')} ({shortened(problem.value)})"
        for problem in problems[:SHOWN_PROBLEMS]
    ]
    rest = len(problems) - len(shown)
    return "; ".join([*shown, *[f"and {rest} more"] * (rest > 0)])


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


def mapped_input(scope: Scope, plan: InputPlan, trace: Trace = None) -> Json:
    """Return what a stage works on. Raises `MappingError`."""
    path, value, fault = "from", None, ""
    try:
        value = plan.source.read(scope)
    except (MissingValue, ExpressionError) as error:
        if isinstance(error, MissingValue) and plan.default is not MISSING:
            path, value = "default", plan.default
        else:
            fault = str(error)
    if not fault and (excess := TAKEN.excess(value)):
        fault = f"The value {excess}."
    _step(trace, path, value, fault)
    return plan.conversion.apply(value, trace)


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
    """An output mapping that was read: the variables that the result goes into, each with the fields in it.

    It `is_final` where the result is the pipeline's.
    """

    conversion: Conversion = Conversion()
    variables: tuple[tuple[str, ...], ...] = ()
    is_final: bool = False


def parse_output(
    destinations: Sequence[str] = ("next",), transforms: Sequence[Json] = (), schema: Json = None
) -> OutputPlan:
    """Read an output mapping. Raises `ExpressionError`."""
    places = [parse_destination(text) for text in destinations]
    return OutputPlan(
        conversion=parse_conversion(transforms, schema),
        variables=tuple(place.keys for place in places if place.kind is DestinationKind.VARIABLE),
        is_final=any(place.kind is DestinationKind.FINAL for place in places),
    )


def mapped_output(result: Json, plan: OutputPlan) -> Json:
    """Return the output of a stage from what its processor gave. Raises `MappingError`."""
    if excess := GIVEN.excess(result):
        raise MappingError(f"The result {excess}.", path="result", value=result)
    return plan.conversion.apply(result)


def with_output(variables: Mapping[str, Json], plan: OutputPlan, output: Json) -> Mapping[str, Json]:
    """Return the variables after a stage; the given ones stay as they are. Raises `MappingError`."""
    for keys in plan.variables:
        variables = _placed(dict(variables), keys, output, 0)
    return variables


def _placed(holder: Json, keys: tuple[str, ...], value: Json, done: int) -> Json:
    if done == len(keys):
        return value
    if not isinstance(holder, dict):
        message = f"{'.'.join((Root.VARIABLE, *keys[:done]))} is {value_type(holder).words}"
        raise MappingError(f"{message}; only an object has fields.", path="to", value=holder)
    return holder | {keys[done]: _placed(holder.get(keys[done], {}), keys, value, done + 1)}
