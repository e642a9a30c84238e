"""Which method Auto chose for which type of task; money is US dollars."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestration.evaluation.engine.decisions.items import RoutedItem, ShareRight


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenMethod:
    """How often a method was chosen for a type of task, and what came of it; the cost is that of an item."""

    task_type: str
    method: str
    items: int
    right: ShareRight
    cost_usd: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodSelection:
    """The methods chosen, by type of task."""

    rows: tuple[ChosenMethod, ...]
    sentence: str


def selection(items: Sequence[RoutedItem]) -> MethodSelection:
    """Return which method was chosen for which type of task, the most frequent ones first."""
    cells: dict[tuple[str, str], list[RoutedItem]] = defaultdict(list)
    for each in items:
        cells[each.task_type, each.method].append(each)
    rows = tuple(
        ChosenMethod(
            task_type=task,
            method=method,
            items=len(found),
            right=ShareRight.counted(each.correct for each in found),
            cost_usd=_mean_cost(found),
        )
        for (task, method), found in sorted(
            cells.items(), key=lambda pair: (pair[0][0], -len(pair[1]), pair[0])
        )
    )
    return MethodSelection(rows=rows, sentence=_selection_words(rows))


def _mean_cost(items: Sequence[RoutedItem]) -> Decimal | None:
    costs = [each.cost_usd for each in items if each.cost_usd is not None]
    return sum(costs, Decimal(0)) / len(costs) if len(costs) == len(items) else None


def _selection_words(rows: Sequence[ChosenMethod]) -> str:
    methods, totals = dict.fromkeys(each.method for each in rows), Counter[str]()
    favourites: dict[str, ChosenMethod] = {}
    for each in rows:
        totals[each.task_type] += each.items
        favourites.setdefault(each.task_type, each)
    if len(methods) == 1:
        number = f"all {len(totals)} types of task" if len(totals) > 1 else "every item"
        return f"Auto chose {rows[0].method} for {number}."
    words = (
        f"{each.method} for {task} ({each.items} of {totals[task]})" for task, each in favourites.items()
    )
    return f"Auto chose {len(methods)} methods; by type of task most often {', '.join(words)}."
