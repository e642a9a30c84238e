"""Transforms as they are written in a mapping, `strip` or `{truncate: 4000}` with parameters; those of lists.

`{truncate: {length: 4000, marker: "..."}}` names the parameters; a single value stands for the main one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated

from pydantic import Field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import FieldFault
from orchestration.expressions.picks import parse_pick
from orchestration.expressions.transforms.data import DATA_TRANSFORMS, guarded
from orchestration.expressions.transforms.specs import (
    GIVEN,
    MISSING,
    TAKEN,
    Laborious,
    Step,
    TransformError,
    TransformSpec,
    WorkCount,
    refused,
    transform,
)
from orchestration.expressions.transforms.text import LIST, TEXT_TRANSFORMS
from orchestration.expressions.values import (
    ANY,
    Json,
    ValueType,
    order_key,
    remembered,
    shortened,
    types_text,
    unknown,
    value_type,
)

MOST_TRANSFORMS = 50
Types = frozenset[ValueType]
ITEM_WORK = 100
"""Work for each item and character of the values between the transforms of a list's items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transform:
    """A transform with its parameters."""

    spec: TransformSpec
    step: Step = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.spec.name

    def apply(self, value: Json, work: WorkCount | None = None) -> Json:
        """Return the result. Raises `TransformError` for what it cannot take, or would be too large."""
        if fault := TAKEN.excess(value):
            raise TransformError(f"The value for {self.name} {fault}.")
        if value_type(value) not in self.spec.takes:
            taken = " or ".join(each.words for each in self.spec.takes)
            raise refused(f"{self.name} takes {taken}; this is {value_type(value).words}", value)
        step = self.step
        result = step.run(value, work or WorkCount()) if isinstance(step, Laborious) else step(value)
        if fault := GIVEN.excess(result, stored=True):
            raise TransformError(f"The result of {self.name} {fault}.")
        return result


@remembered
def parse_transform(written: Json) -> Transform:
    """Read a transform with its parameters. Raises `ExpressionError`."""
    if fault := GIVEN.excess(written):
        raise ExpressionError(f"A transform {fault}.")
    name, parameters = written, MISSING
    if isinstance(written, dict) and len(written) == 1:
        ((name, parameters),) = written.items()
    if not isinstance(name, str):
        raise ExpressionError(
            "A transform is a name, or one name with its parameters, as in truncate: 4000;"
            f" not {shortened(written)}."
        )
    if name not in TRANSFORMS:
        raise ExpressionError(unknown("transform", name, TRANSFORMS))
    spec = TRANSFORMS[name]
    return Transform(spec=spec, step=spec.step(parameters))


def types_after(transforms: Sequence[Json], types: Types) -> tuple[Types, tuple[FieldFault, ...]]:
    """Return the types that transforms give of values of some types, and which one first cannot take its own.

    After one that cannot, or that cannot be read, nothing is known.
    """
    for number, written in enumerate(transforms):
        try:
            spec = parse_transform(written).spec
        except ExpressionError:
            return frozenset(ANY), ()
        if types.isdisjoint(spec.takes):
            message = f"{spec.name} takes {types_text(spec.takes)}, and is given {types_text(types)}."
            return frozenset(ANY), (FieldFault(at=(number,), message=message),)
        types = frozenset(spec.gives)
    return types, ()


By = Annotated[str | None, Field(description="JMESPath of what counts in an item. Empty: the whole item.")]
Place = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]


def _keyed(by: str | None) -> Callable[[Json], tuple[Json, ...]]:
    part = guarded(parse_pick(by).apply) if by is not None else None
    return order_key if part is None else lambda item: order_key(part(item))


@transform(
    takes=LIST, gives=LIST, main="by", value=[{"n": 2}, {"n": 1}], parameter="n", result=[{"n": 1}, {"n": 2}]
)
def sort(*, by: By = None, descending: Annotated[bool, Field(title="Largest first")] = False) -> Step:
    """Put a list in order; equal items stay as they are."""
    key = _keyed(by)
    return lambda items: sorted(items, key=key, reverse=descending)


@transform(takes=LIST, gives=LIST, main="by", value=["b", "a", "b"], result=["b", "a"])
def unique(*, by: By = None) -> Step:
    """Leave out what was in the list before."""
    key = _keyed(by)

    def first_ones(items: list[Json]) -> Json:
        found: dict[tuple[Json, ...], Json] = {}
        for item in items:
            found.setdefault(key(item), item)
        return list(found.values())

    return first_ones


@transform(
    takes=(ValueType.TEXT, ValueType.LIST, ValueType.OBJECT),
    gives=(ValueType.NUMBER,),
    value=["a", "b"],
    result=2,
)
def count() -> Step:
    """Count the items of a list, the fields of an object or the characters of a text."""
    return len


@transform(takes=LIST, gives=LIST, value=[[1, 2], [3], 4], result=[1, 2, 3, 4])
def flatten() -> Step:
    """Put the items of the lists in a list into one list."""
    return lambda items: list(
        chain.from_iterable(each if isinstance(each, list) else [each] for each in items)
    )


@transform(
    takes=(ValueType.LIST, ValueType.TEXT),
    gives=(ValueType.LIST, ValueType.TEXT),
    main="stop",
    value=["a", "b", "c"],
    parameter=2,
    result=["a", "b"],
)
def slice_(
    *,
    start: Annotated[Place, Field(title="From", description="The first is 0; below zero from the end.")] = 0,
    stop: Annotated[
        Place | None, Field(title="Up to", description="Not included. Empty: to the end.")
    ] = None,
) -> Step:
    """Take some items of a list, or characters of a text."""
    return lambda given: given[start:stop]


@transform(takes=LIST, gives=LIST, value=[1, 2, 3], result=[3, 2, 1])
def reverse() -> Step:
    """Turn a list round."""
    return lambda items: items[::-1]


@transform(
    takes=LIST,
    gives=LIST,
    main="transforms",
    is_whole=True,
    value=[" a", "b "],
    parameter=["strip", "upper"],
    result=["A", "B"],
)
def each(*, transforms: Annotated[Json, Field(description="One transform, or a list of them.")]) -> Step:
    """Apply transforms to each item of a list."""
    written = transforms if isinstance(transforms, list) else [transforms]
    if len(written) > MOST_TRANSFORMS:
        raise ExpressionError(f"each has up to {MOST_TRANSFORMS} transforms.")
    parsed = [parse_transform(one) for one in written]
    if any(one.name == "each" for one in parsed):
        raise ExpressionError("each cannot stand in another each; flatten the list first.")

    def applied(items: list[Json], work: WorkCount) -> Json:
        return [_through(parsed, item, f"[{place}]", work) for place, item in enumerate(items)]

    return Laborious(run=applied)


def _through(transforms: list[Transform], value: Json, where: str, work: WorkCount) -> Json:
    for one in transforms:
        try:
            value = one.apply(value, work)
        except TransformError as error:
            raise TransformError(f"{where}: {error}") from None
        parts = GIVEN.parts(value, "The value")
        work.spend(ITEM_WORK * sum(1 + (len(part) if isinstance(part, str) else 0) for part in parts))
    return value


LIST_TRANSFORMS = (sort, unique, count, flatten, slice_, reverse, each)
TRANSFORMS: dict[str, TransformSpec] = {
    spec.name: spec for spec in (*TEXT_TRANSFORMS, *DATA_TRANSFORMS, *LIST_TRANSFORMS)
}
"""The transforms by name; an app adds its own when it is loaded."""
