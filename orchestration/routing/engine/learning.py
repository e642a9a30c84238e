"""What a router has learned: sums of results by arm and level of the context.

Levels go from all questions over the type of task and the kind of question to the kind and how hard it looks.
Each level's mean is shrunk towards the level above, the first one towards the arm's prior:

    mean(level) = (sum(level) + STRENGTH * mean(level above)) / (weight(level) + STRENGTH)

Sums of several workers add up, so that a result can be stored as an increment of a row. Before it is added,
the row is multiplied by `KEPT`: older results count less and less, as methods change.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, fields

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.arms import Arm, Prediction, Result, RouterContext
from orchestration.routing.engine.pooling import Amount, PooledRow, pooled_means, pooled_qualities

ARM_PRECISION = 0.75
"""Precision of the log-odds of an arm's quality, for each result that its prior is worth."""
KIND_PARTS = 2
KEPT = 0.999
"""What is kept of a row's sums when a result is added: about the last 1,000 results count."""
MOST_CELLS = 20_000
"""Rows of a state that is read or merged; those with the least evidence are left out beyond it."""
VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Sums of results: `quality` is summed over the weight `judged`, cost and time over `counted`."""

    judged: float = 0.0
    quality: float = 0.0
    counted: float = 0.0
    cost_usd: float = 0.0
    seconds: float = 0.0

    def plus(self, other: Sums) -> Sums:
        """Return the sum of both."""
        return Sums(
            judged=self.judged + other.judged,
            quality=self.quality + other.quality,
            counted=self.counted + other.counted,
            cost_usd=self.cost_usd + other.cost_usd,
            seconds=self.seconds + other.seconds,
        )

    def times(self, share: float) -> Sums:
        """Return a share of the sums."""
        return Sums(
            judged=share * self.judged,
            quality=share * self.quality,
            counted=share * self.counted,
            cost_usd=share * self.cost_usd,
            seconds=share * self.seconds,
        )


NOTHING = Sums()


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The row that sums belong to: an arm, and a level of the context, empty for all questions."""

    ref: str
    level: str = ""

    @property
    def kind(self) -> str | None:
        """The kind of question of one of the narrowest rows, None for others."""
        parts = self.level.split("/")
        return "/".join(parts[1:-1]) if len(parts) > KIND_PARTS and parts[0] == "kind" else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Increment:
    """What a result changes in one row: `row = row * kept + added`; the order of two hardly matters."""

    cell: Cell
    added: Sums
    kept: float = KEPT


def levels(context: RouterContext) -> tuple[str, ...]:
    """Return the levels of a context, from all questions to the narrowest."""
    kind = f"kind/{context.kind}"
    return ("", f"task/{context.task.value}", kind, f"{kind}/{context.hardness.value}")


def increments(context: RouterContext, ref: str, result: Result) -> tuple[Increment, ...]:
    """Return what a result changes. Raises `InvalidRequest` for a value out of range."""
    if not (0 <= result.quality <= 1 and 0 <= result.weight < math.inf):
        raise InvalidRequest("A quality lies between 0 and 1, its weight is not negative.", field="quality")
    if not (0 <= result.cost_usd < math.inf and 0 <= result.seconds < math.inf):
        raise InvalidRequest("Cost and time of a result are finite and not negative.", field="cost_usd")
    added = Sums(
        judged=result.weight,
        quality=result.weight * result.quality,
        counted=1.0,
        cost_usd=result.cost_usd,
        seconds=result.seconds,
    )
    return tuple(Increment(cell=Cell(ref=ref, level=level), added=added) for level in levels(context))


@dataclass(frozen=True, kw_only=True, slots=True)
class RouterState:
    """All rows of a team; immutable. An empty one knows the priors only."""

    cells: Mapping[Cell, Sums] = field(default_factory=dict)

    def observe(self, context: RouterContext, ref: str, result: Result) -> RouterState:
        """Return the state after one more result. Raises `InvalidRequest`."""
        return self.after(increments(context, ref, result))

    def after(self, changes: Iterable[Increment]) -> RouterState:
        """Return the state after increments."""
        cells = dict(self.cells)
        for change in changes:
            cells[change.cell] = cells.get(change.cell, NOTHING).times(change.kept).plus(change.added)
        return RouterState(cells=cells)

    def merged(self, other: RouterState) -> RouterState:
        """Return the sum of two states that learned from different results."""
        cells = dict(self.cells)
        for cell, sums in other.cells.items():
            cells[cell] = cells.get(cell, NOTHING).plus(sums)
        return RouterState(cells=_most_known(cells))

    def forget(self, ref: str, kept: float = 0.0) -> RouterState:
        """Return the state with only a share of what is known of an arm, for instance after it got worse."""
        changed = {
            cell: sums if cell.ref != ref else sums.times(kept)
            for cell, sums in self.cells.items()
            if cell.ref != ref or kept > 0
        }
        return RouterState(cells=changed)

    def to_json(self) -> str:
        """Return the state as JSON, which `from_json` reads."""
        rows = [[cell.ref, cell.level, *astuple(sums)] for cell, sums in self.cells.items()]
        return json.dumps({"version": VERSION, "cells": rows})

    @classmethod
    def from_json(cls, text: str) -> RouterState:
        """Return a stored state. Raises `InvalidRequest` for anything else."""
        try:
            return cls(cells=_most_known(dict(_rows(json.loads(text)))))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidRequest(
                "This is not a stored state of a router, or one of another version: reset it to start anew.",
                field="state",
            ) from error


def _rows(stored: Mapping[str, Json]) -> Iterator[tuple[Cell, Sums]]:
    if stored["version"] != VERSION:
        raise ValueError(stored["version"])
    for ref, level, *values in stored["cells"]:
        numbers = [float(str(value)) for value in values]
        if not (isinstance(ref, str) and isinstance(level, str)) or not all(
            0 <= n < math.inf for n in numbers
        ):
            raise ValueError(ref)
        names = [each.name for each in fields(Sums)]
        yield Cell(ref=ref, level=level), Sums(**dict(zip(names, numbers, strict=True)))


def _most_known(cells: Mapping[Cell, Sums]) -> Mapping[Cell, Sums]:
    if len(cells) <= MOST_CELLS:
        return cells
    kept = sorted(cells, key=lambda cell: -cells[cell].counted)[:MOST_CELLS]
    return {cell: cells[cell] for cell in kept}


def predictions(state: RouterState, context: RouterContext, arms: Iterable[Arm]) -> tuple[Prediction, ...]:
    """Return what is expected of each arm for a question, in their order."""
    asked = list(arms)
    places = {arm.ref: place for place, arm in enumerate(asked)}
    rows: list[PooledRow] = []
    costs: list[Amount] = []
    seconds: list[Amount] = []
    for cell, sums in state.cells.items():
        place, kind = places.get(cell.ref), cell.kind
        if place is None or kind is None:
            continue
        rows.append(PooledRow(arm=place, kind=kind, cell=cell.level, seen=sums.judged, right=sums.quality))
        costs.append(Amount(arm=place, kind=kind, counted=sums.counted, total=sums.cost_usd))
        seconds.append(Amount(arm=place, kind=kind, counted=sums.counted, total=sums.seconds))
    qualities = pooled_qualities(
        [arm.prior.quality for arm in asked],
        [ARM_PRECISION * arm.prior.strength for arm in asked],
        rows,
        (context.kind, levels(context)[-1]),
    )
    dollars = pooled_means([arm.prior.cost_usd for arm in asked], costs, context.kind)
    times = pooled_means([arm.prior.seconds for arm in asked], seconds, context.kind)
    kind_level = levels(context)[-2]
    return tuple(
        Prediction(
            ref=arm.ref,
            quality=qualities[place].quality,
            deviation=qualities[place].deviation,
            cost_usd=dollars[place],
            seconds=times[place],
            evidence=state.cells.get(Cell(ref=arm.ref, level=kind_level), NOTHING).judged,
        )
        for place, arm in enumerate(asked)
    )
