"""A value on its way in or out: a source, transforms one after the other, a schema it has to fit.

MappingError    a mapping that fails on a value: where in the mapping, and why
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.schemas import Schema, parse_schema
from orchestration.expressions.sources import MissingValue, ReadScope, Source
from orchestration.expressions.transforms.lists import Transform, parse_transform
from orchestration.expressions.transforms.specs import MISSING, TAKEN, TransformError, WorkCount
from orchestration.expressions.values import Json, shortened

SHOWN_PROBLEMS = 3


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
    """Transforms one after the other, then a schema it has to fit."""

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


def mapped_input(scope: ReadScope, plan: InputPlan, trace: Trace = None) -> Json:
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
    if fault or trace is not None:
        _step(trace, path, value, fault)
    return plan.conversion.apply(value, trace)
