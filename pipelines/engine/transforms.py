"""Transforms as they are written in a mapping: `strip`, or `{truncate: 4000}` with parameters.

`{truncate: {length: 4000, marker: "..."}}` names the parameters; a single value stands for the main one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated

from pydantic import Field

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import remembered
from orchestration.llm.engine.types import Json
from pipelines.engine.data_transforms import DATA_TRANSFORMS
from pipelines.engine.list_transforms import LIST_TRANSFORMS
from pipelines.engine.text_transforms import LIST, TEXT_TRANSFORMS
from pipelines.engine.transform_specs import (
    MISSING,
    Laborious,
    Step,
    TransformError,
    TransformSpec,
    Work,
    refused,
    transform,
)
from pipelines.engine.values import MOST_TAKEN_CHARACTERS, clipped, excess, shortened, value_type, weight

MOST_TRANSFORMS = 50
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

    def apply(self, value: Json, work: Work | None = None) -> Json:
        """Return the result. Raises `TransformError` for what it cannot take, or would be too large."""
        if fault := excess(value, MOST_TAKEN_CHARACTERS):
            raise TransformError(f"The value for {self.name} {fault}.")
        if value_type(value) not in self.spec.takes:
            taken = " or ".join(each.words for each in self.spec.takes)
            raise refused(f"{self.name} takes {taken}; this is {value_type(value).words}", value)
        step = self.step
        result = step.run(value, work or Work()) if isinstance(step, Laborious) else step(value)
        if fault := excess(result):
            raise TransformError(f"The result of {self.name} {fault}.")
        return result


@remembered
def parse_transform(written: Json) -> Transform:
    """Read a transform with its parameters. Raises `ExpressionError`."""
    if fault := excess(written):
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
        near = get_close_matches(name, TRANSFORMS, 1)
        meant = f"; {near[0]} is meant?" if near else f"; there are {', '.join(TRANSFORMS)}"
        raise ExpressionError(f"There is no transform “{clipped(name)}”{meant}.")
    spec = TRANSFORMS[name]
    return Transform(spec=spec, step=spec.step(parameters))


@transform(
    takes=LIST,
    gives=LIST,
    main="transforms",
    is_whole=True,
    value=[" a", "b "],
    written=["strip", "upper"],
    result=["A", "B"],
)
def each(
    *, transforms: Annotated[Json, Field(title="Transforms", description="One transform, or a list of them.")]
) -> Step:
    """Apply transforms to each item of a list."""
    written = transforms if isinstance(transforms, list) else [transforms]
    if len(written) > MOST_TRANSFORMS:
        raise ExpressionError(f"each has up to {MOST_TRANSFORMS} transforms.")
    parsed = [parse_transform(one) for one in written]
    if any(one.name == "each" for one in parsed):
        raise ExpressionError("each cannot stand in another each; flatten the list first.")

    def applied(items: list[Json], work: Work) -> Json:
        return [_through(parsed, item, f"[{place}]", work) for place, item in enumerate(items)]

    return Laborious(run=applied)


def _through(transforms: list[Transform], value: Json, where: str, work: Work) -> Json:
    for one in transforms:
        try:
            value = one.apply(value, work)
        except TransformError as error:
            raise TransformError(f"{where}: {error}") from None
        work.spend(ITEM_WORK * weight(value))
    return value


TRANSFORMS: Mapping[str, TransformSpec] = {
    spec.name: spec for spec in (*TEXT_TRANSFORMS, *DATA_TRANSFORMS, *LIST_TRANSFORMS, each)
}
