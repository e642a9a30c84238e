"""What evaluations came to, read for pages: configurations with their figures, items, the recommendation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.engine.decisions.items import RoutedItem
from orchestration.evaluation.engine.figures import (
    Against,
    ConfigurationComparison,
    Figures,
    ItemFigures,
    comparisons,
    summed_up,
)
from orchestration.evaluation.engine.scoring import Baseline, baseline, baseline_results
from orchestration.evaluation.engine.verdicts import NamedFigures, advice
from orchestration.evaluation.models import Dataset, DatasetItem, ItemOutcome
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.recorded.recording import AnswerLabel, Label
from orchestration.routing.selectors import KIND as AUTO
from orchestration.routing.selectors import USUAL_RULES
from orchestration.runs.models import Rating, Run

NAME = "evaluation"
MOST_KEPT = 64
"""Results that are kept in memory, of one evaluation at one moment each."""
COLUMNS = (
    *("item_id", "configuration", "correct", "quality", "seconds", "calls", "cost_usd", "escalated"),
    *("failed", "item__task_type"),
)


def rule_set(strategy: str) -> str | None:
    """Return the rule set by which a configuration chooses its methods, None for one that is a strategy."""
    kind, _, name = strategy.partition("/")
    return (name or USUAL_RULES) if kind == AUTO else None


def team_datasets(membership: Membership) -> QuerySet[Dataset]:
    """Return the team's datasets that have not been removed."""
    return Dataset.objects.visible_to(membership).filter(removed_at=None)


def evaluations(membership: Membership) -> QuerySet[Run]:
    """Return the team's evaluations with who started them."""
    return Run.objects.visible_to(membership).filter(kind=NAME).select_related("created_by")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationResult:
    """What a configuration came to on the items that all of them have been run on."""

    place: int
    label: str
    strategy: str
    options: Mapping[str, Json]
    models: Sequence[str]
    figures: Figures
    comparisons: tuple[ConfigurationComparison, ...]

    @property
    def is_strategy(self) -> bool:
        """Whether it is a strategy, and so may be saved as a preset."""
        return rule_set(self.strategy) is None

    @property
    def cost(self) -> Decimal | None:
        """US dollars for 1,000 items."""
        cost = self.figures.cost_per_1k_usd
        return None if cost is None else Decimal(repr(cost))

    @property
    def against_first(self) -> ConfigurationComparison | None:
        """The comparison with the first configuration, None for itself."""
        return next((each for each in self.comparisons if each.against is Against.FIRST), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationResults:
    """The results so far: `items` were run under all configurations; `unjudged` ones have no verdict."""

    items: int
    of: int
    unjudged: int
    configurations: tuple[ConfigurationResult, ...]
    baseline: Baseline | None
    baseline_items: int
    advice: str

    @property
    def baseline_rows(self) -> list[tuple[str, float]]:
        """What there is without a strategy, in words."""
        base = self.baseline
        if base is None:
            return []
        rows = [
            ("Best single model, in hindsight", base.best_single),
            ("A model at random", base.random),
            ("Most frequent answer", base.plurality),
            ("Any model right", base.oracle),
        ]
        return [(words, share) for words, share in rows if share is not None]


def evaluation_results(run: UUID, request: Mapping[str, Json], *, whole: bool = True) -> EvaluationResults:
    """Return the results of an evaluation so far; the baselines, which take longer, only of the `whole`.

    Outcomes are never changed: what as many of them came to is kept.
    """
    stored = ItemOutcome.objects.filter(run_id=run).count()
    return _results(_Asked(run, stored, whole, request))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose results are asked for, with how many outcomes."""

    run: UUID
    stored: int
    whole: bool
    request: Mapping[str, Json] = field(compare=False)


@lru_cache(maxsize=MOST_KEPT)
def _results(wanted: _Asked) -> EvaluationResults:
    run, request, whole = wanted.run, wanted.request, wanted.whole
    asked = request["configurations"]
    rows = ItemOutcome.objects.filter(run_id=run).order_by("item__number", "configuration")
    by_item: dict[int, dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows.values(*COLUMNS):
        by_item[row["item_id"]][row["configuration"]] = row
    judged = {
        item: found
        for item, found in by_item.items()
        if len(found) == len(asked) and all(each["correct"] is not None for each in found.values())
    }
    base, bits, known = _baseline(run, asked, list(judged)) if whole and judged else (None, {}, 0)
    shown = _configurations(asked, list(judged.values()), bits) if judged else ()
    return EvaluationResults(
        items=len(judged),
        of=request["items"],
        unjudged=len(by_item) - len(judged),
        configurations=shown,
        baseline=base,
        baseline_items=known,
        advice=advice(
            [NamedFigures(label=each.label, figures=each.figures) for each in shown], _right(shown, judged)
        ),
    )


def _right(
    shown: Sequence[ConfigurationResult], judged: Mapping[int, Mapping[int, Mapping[str, Any]]]
) -> dict[str, list[bool]]:
    return {each.label: [found[each.place]["correct"] for found in judged.values()] for each in shown}


def _configurations(
    asked: Sequence[Mapping[str, Json]],
    found: Sequence[Mapping[int, Mapping[str, Any]]],
    bits: Mapping[Against, Sequence[bool]],
) -> tuple[ConfigurationResult, ...]:
    right = {each["label"]: [item[place]["correct"] for item in found] for place, each in enumerate(asked)}
    differences = comparisons(right, bits)
    return tuple(
        ConfigurationResult(
            place=place,
            label=each["label"],
            strategy=each["strategy"],
            options=each["options"],
            models=each["models"],
            figures=summed_up([_figures(item[place]) for item in found]),
            comparisons=differences[each["label"]],
        )
        for place, each in enumerate(asked)
    )


def _figures(row: Mapping[str, Any]) -> ItemFigures:
    return ItemFigures(
        correct=row["correct"],
        task_type=row["item__task_type"],
        quality=row["quality"],
        calls=row["calls"],
        cost_usd=row["cost_usd"],
        seconds=row["seconds"],
        escalated=row["escalated"],
        failed=row["failed"],
    )


def _baseline(
    run: UUID, asked: Sequence[Mapping[str, Json]], items: Sequence[int]
) -> tuple[Baseline | None, dict[Against, list[bool]], int]:
    """Return what the models of the largest panel are worth alone, where every item has an answer of each.

    Some configuration has to ask all of them: one that goes from model to model stops before.
    """
    panel = max((tuple(each["models"]) for each in asked), key=len)
    labels: dict[int, dict[str, AnswerLabel]] = defaultdict(dict)
    rows = ItemOutcome.objects.filter(run_id=run).order_by("configuration")
    for item, answers in rows.values_list("item_id", "answers"):
        for each in answers:
            if each["correct"] is not None:
                known = AnswerLabel(correct=each["correct"], extracted=each["extracted"])
                labels[item].setdefault(each["model"], known)
    whole = [Label(answers=labels[item]) for item in items if set(panel) <= labels[item].keys()]
    if not whole:
        return None, {}, 0
    bits = baseline_results(whole, panel) if len(whole) == len(items) else {}
    return baseline(whole, panel), bits, len(whole)


def recommendation(run: UUID, request: Mapping[str, Json]) -> str:
    """Return in words which configuration to use, by the results of a run."""
    return evaluation_results(run, request, whole=False).advice


class Show(StrEnum):
    """Which items are shown."""

    ALL = "all"
    DIFFER = "differ"
    WRONG = "wrong"
    NONE = "none"

    @property
    def words(self) -> str:
        """The filter in words."""
        return {
            Show.ALL: "All items",
            Show.DIFFER: "Configurations differ",
            Show.WRONG: "Some configuration wrong",
            Show.NONE: "No configuration right",
        }[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedItem:
    """An item with its outcomes, in the order of the configurations; None where there is none yet."""

    item: DatasetItem
    outcomes: Sequence[ItemOutcome | None]


class ComparedItems(Sequence[ComparedItem]):
    """The items of an evaluation that a filter shows, read a page at a time."""

    def __init__(self, run: UUID, request: Mapping[str, Json], show: Show) -> None:
        self._run = run
        self._number = len(request["configurations"])
        right, wrong = Q(outcomes__correct=True), Q(outcomes__correct=False)
        own = Q(outcomes__run=run)
        items = DatasetItem.objects.filter(outcomes__run=run).annotate(
            right=Count("outcomes", filter=own & right), wrong=Count("outcomes", filter=own & wrong)
        )
        wanted = {
            Show.ALL: Q(),
            Show.DIFFER: Q(right__gt=0, wrong__gt=0),
            Show.WRONG: Q(wrong__gt=0),
            Show.NONE: Q(right=0),
        }
        self._items = items.filter(wanted[show]).order_by("number").distinct()

    def __len__(self) -> int:
        return self._items.count()

    def __getitem__(self, places: Any) -> Any:  # noqa: ANN401  # a paginator asks for slices alone
        items = list(self._items[places])
        rows: dict[int, dict[int, ItemOutcome]] = defaultdict(dict)
        for row in ItemOutcome.objects.filter(run_id=self._run, item__in=items):
            rows[row.item_id][row.configuration] = row
        return [
            ComparedItem(item=item, outcomes=[rows[item.pk].get(place) for place in range(self._number)])
            for item in items
        ]


def compared_items(run: UUID, request: Mapping[str, Json], show: Show) -> ComparedItems:
    """Return the items of an evaluation with the answers of all configurations side by side."""
    return ComparedItems(run, request, show)


def routed_items(run: UUID, request: Mapping[str, Json]) -> dict[int, list[RoutedItem]]:
    """Return the items that Auto answered so far, in order, by the place of each configuration."""
    configurations = enumerate(request["configurations"])
    found: dict[int, list[RoutedItem]] = {
        place: [] for place, each in configurations if rule_set(each["strategy"]) is not None
    }
    if not found:
        return found
    rows = ItemOutcome.objects.filter(run_id=run, configuration__in=found, route__isnull=False)
    columns = ("configuration", "item__number", "item__task_type", "correct", "cost_usd", "route")
    for place, number, task, correct, cost, route in rows.order_by("item__number").values_list(*columns):
        item = RoutedItem(number=number, task_type=task, correct=correct, cost_usd=cost, route=route)
        found[place].append(item)
    return found


def graded_since(team: UUID, moment: datetime | None) -> int:
    """Return how many questions of a team were graded, by evaluations that are over and by ratings."""
    items = ItemOutcome.objects.filter(run__team=team, run__finished_at__isnull=False, configuration=0)
    ratings = Rating.objects.filter(run__team=team)
    if moment is not None:
        items, ratings = items.filter(run__finished_at__gt=moment), ratings.filter(at__gt=moment)
    return items.count() + ratings.values("run").distinct().count()


EXPORTED = ("correct", "score", "reason", "answer", "quality", "seconds", "calls", "cost_usd", "failed")


def exported_rows(run: UUID, request: Mapping[str, Json], size: int = 500) -> Iterator[list[dict[str, Any]]]:
    """Yield the outcomes as rows of a file, some at a time, in the order of the items."""
    labels = [each["label"] for each in request["configurations"]]
    together = max(1, size // len(labels))
    for after in range(0, request["items"], together):
        numbers = Q(item__number__gt=after, item__number__lte=after + together)
        rows = list(
            ItemOutcome.objects.filter(numbers, run_id=run)
            .select_related("item")
            .order_by("item__number", "configuration")
        )
        if not rows:
            continue
        yield [
            {
                "id": row.item.key,
                "task_type": row.item.task_type,
                "prompt": row.item.prompt,
                "reference": row.item.reference,
                "priority": row.item.priority,
                "configuration": labels[row.configuration],
                **{name: getattr(row, name) for name in EXPORTED},
                **_exported_route(row),
            }
            for row in rows
        ]


def _exported_route(row: ItemOutcome) -> dict[str, str]:
    """Return the method that Auto chose, what decided, and the optimisation rules that acted."""
    route: Mapping[str, Json] = row.route or {}
    acting = dict.fromkeys(each["id"] for each in route.get("watched", ()) if each["acts"])
    return {
        "method": route.get("method", ""),
        "answered_by": route.get("answered", ""),
        "decided_by": route.get("decided_by", ""),
        "rule": route.get("rule", ""),
        "optimisations": ", ".join(acting),
    }
