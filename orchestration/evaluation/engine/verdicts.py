"""Which configuration to use, and why, in words that come from the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.evaluation.engine.figures import Figures, in_points
from orchestration.evaluation.engine.intervals import PairedDifference, paired_difference
from orchestration.strategies.engine.types import dollars, percent

FEW = 30
"""Items below which hardly any difference can be told from chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFigures:
    """A configuration that may be recommended."""

    label: str
    figures: Figures


def recommended(candidates: Sequence[NamedFigures], right: Mapping[str, Sequence[bool]]) -> NamedFigures:
    """Return the cheapest of those that are not really worse than the most accurate one.

    Without all prices, the most accurate one.
    """
    best = max(candidates, key=lambda each: each.figures.accuracy)
    if any(each.figures.cost_per_1k_usd is None for each in candidates):
        return best
    as_good = [each for each in candidates if not _is_worse(right[each.label], right[best.label])]
    return min(as_good, key=lambda each: (each.figures.cost_per_1k_usd or 0.0, -each.figures.accuracy))


def _is_worse(mine: Sequence[bool], others: Sequence[bool]) -> bool:
    return paired_difference(mine, others).ci95[1] < 0


def advice(candidates: Sequence[NamedFigures], right: Mapping[str, Sequence[bool]]) -> str:
    """Return one to three sentences: which configuration to use, why, and how sure that is."""
    if not candidates:
        return "No item has been evaluated under every configuration."
    chosen = recommended(candidates, right)
    best = max(candidates, key=lambda each: each.figures.accuracy)
    share = percent(chosen.figures.accuracy)
    words = [f"Use {chosen.label}: right in {share} of {chosen.figures.items:,} items{_cost(chosen)}."]
    if chosen.label != best.label:
        found = paired_difference(right[best.label], right[chosen.label])
        words.append(
            f"{best.label} was right as often{_cost(best)}."
            if not found.difference
            else f"{best.label} was right more often ({percent(best.figures.accuracy)}{_cost(best)}), but the"
            f" difference of {_points(found)} may be chance."
        )
    elif len(candidates) > 1:
        words.append(_lead(chosen, candidates, right))
    if chosen.figures.items < FEW:
        words.append(f"With {chosen.figures.items:,} items only large differences can be told from chance.")
    return " ".join(words)


def _lead(
    chosen: NamedFigures, candidates: Sequence[NamedFigures], right: Mapping[str, Sequence[bool]]
) -> str:
    others = [each for each in candidates if each.label != chosen.label]
    second = max(others, key=lambda each: each.figures.accuracy)
    found = paired_difference(right[chosen.label], right[second.label])
    if found.is_real:
        return f"It is really better than {second.label}, the next best, by {_points(found)}."
    if not found.difference:
        return f"{second.label} was right as often."
    return f"Its lead of {_points(found)} over {second.label} may be chance."


def _points(found: PairedDifference) -> str:
    low, high = found.ci95
    lead = in_points(found.difference).removeprefix("+")
    return f"{lead} points (95 % interval {in_points(low)} to {in_points(high)})"


def _cost(candidate: NamedFigures) -> str:
    cost = candidate.figures.cost_per_1k_usd
    return "" if cost is None else f", {dollars(Decimal(repr(cost)))} per 1,000"
