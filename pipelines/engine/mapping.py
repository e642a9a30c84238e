"""The mappings of a stage: what it works on, and where its result goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.mapping import Conversion, InputPlan, MappingError, parse_conversion
from orchestration.expressions.transforms.lists import TRANSFORMS
from orchestration.expressions.transforms.specs import (
    GIVEN,
    MISSING,
    Step,
    transform,
)
from orchestration.expressions.values import ValueType, clipped, value_type
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.consensus import extraction
from pipelines.engine.scope import Root, parse_place, parse_source


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


def parse_input(
    source: Json, transforms: Sequence[Json] = (), schema: Json = None, default: Json = MISSING
) -> InputPlan:
    """Read an input mapping. Raises `ExpressionError`."""
    conversion = parse_conversion(transforms, schema)
    return InputPlan(source=parse_source(source), conversion=conversion, default=default)


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

    conversion: Conversion = field(default_factory=Conversion)
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
    if excess := GIVEN.excess(result, stored=True):
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
