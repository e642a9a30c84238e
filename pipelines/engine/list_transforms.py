"""Transforms of lists."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Annotated

from pydantic import Field

from orchestration.expressions.picks import parse_pick
from orchestration.llm.engine.types import Json
from pipelines.engine.data_transforms import guarded
from pipelines.engine.text_transforms import LIST
from pipelines.engine.transform_specs import Step, transform
from pipelines.engine.values import ValueType, order_key

By = Annotated[
    str | None, Field(title="By", description="JMESPath of what counts in an item. Empty: the whole item.")
]
Place = Annotated[int, Field(ge=-10_000_000, le=10_000_000)]


def _keyed(by: str | None) -> Callable[[Json], tuple[Json, ...]]:
    part = guarded(parse_pick(by).apply) if by is not None else None
    return order_key if part is None else lambda item: order_key(part(item))


@transform(
    takes=LIST, gives=LIST, main="by", value=[{"n": 2}, {"n": 1}], written="n", result=[{"n": 1}, {"n": 2}]
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
    written=2,
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


LIST_TRANSFORMS = (sort, unique, count, flatten, slice_, reverse)
