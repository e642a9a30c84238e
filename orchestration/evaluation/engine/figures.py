"""The figures of a configuration from what each item came to, and how it differs from others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median, quantiles

from orchestration.evaluation.engine.calibration import (
    ReliabilityBin,
    auroc,
    calibration_interval,
    expected_calibration_error,
    reliability,
)
from orchestration.evaluation.engine.intervals import PairedDifference, paired_difference, wilson
from orchestration.llm.engine.types import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemFigures:
    """What one item came to. `quality` is the outcome's own estimate; None where nothing is known."""

    correct: bool
    task_type: str = ""
    quality: float | None = None
    calls: int = 0
    cost_usd: Decimal | None = None
    seconds: float | None = None
    escalated: bool = False
    failed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFigures:
    """How often the items of one type of task are right."""

    task_type: str
    items: int
    accuracy: float
    accuracy_ci95: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures over at least one item. Accuracy and rates are fractions; None where there is no data.

    The cost is None where the price of some call is not known. Times are of whole answers, in seconds.
    """

    items: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    cost_per_1k_usd: float | None
    calls_per_item: float
    escalation_rate: float
    failed_rate: float
    median_s: float | None
    p95_s: float | None
    quality_auroc: float | None
    quality_ece: float | None
    quality_ece_ci95: tuple[float, float] | None
    reliability: tuple[ReliabilityBin, ...]
    per_task_type: tuple[TaskFigures, ...]

    def as_json(self) -> dict[str, Json]:
        """Return the figures as plain JSON."""
        shown: dict[str, Json] = asdict(self)
        return {name: list(each) if isinstance(each, tuple) else each for name, each in shown.items()}


def summed_up(items: Sequence[ItemFigures], *, seed: int = 0) -> Figures:
    """Return the figures of at least one item; `seed` draws the resamples of the calibration's interval."""
    number, right = len(items), sum(each.correct for each in items)
    costs = [each.cost_usd for each in items if each.cost_usd is not None]
    judged = [(each.quality, each.correct) for each in items if each.quality is not None]
    took = sorted(each.seconds for each in items if each.seconds is not None)
    return Figures(
        items=number,
        accuracy=right / number,
        accuracy_ci95=wilson(right, number),
        cost_per_1k_usd=float(sum(costs, Decimal(0)) * 1000 / number) if len(costs) == number else None,
        calls_per_item=sum(each.calls for each in items) / number,
        escalation_rate=sum(each.escalated for each in items) / number,
        failed_rate=sum(each.failed for each in items) / number,
        median_s=median(took) if took else None,
        p95_s=_p95(took),
        quality_auroc=auroc(judged),
        quality_ece=expected_calibration_error(judged),
        quality_ece_ci95=calibration_interval(judged, seed=seed),
        reliability=reliability(judged),
        per_task_type=tuple(_per_task_type(items)),
    )


def _p95(took: Sequence[float]) -> float | None:
    """Return the time that 95 % of the items stay below; of a single one its own."""
    return quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else (took[0] if took else None)


def _per_task_type(items: Sequence[ItemFigures]) -> Iterator[TaskFigures]:
    by_type: dict[str, list[bool]] = defaultdict(list)
    for each in items:
        by_type[each.task_type].append(each.correct)
    for name, found in sorted(by_type.items()):
        yield TaskFigures(
            task_type=name,
            items=len(found),
            accuracy=sum(found) / len(found),
            accuracy_ci95=wilson(sum(found), len(found)),
        )


def in_points(difference: float) -> str:
    """Return a difference of shares in points of a hundred, with its sign."""
    return f"{100 * difference:+.1f}".removesuffix(".0")


class Against(StrEnum):
    """What a configuration is compared with."""

    FIRST = "first"
    BEST = "best"
    PLURALITY = "plurality"
    BEST_SINGLE = "best_single"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationComparison:
    """A configuration compared with another one, or with a baseline, called `name`, on the same items."""

    against: Against
    name: str
    found: PairedDifference

    @property
    def points(self) -> str:
        """The difference in points of a hundred, with its interval."""
        low, high = self.found.ci95
        shown = [in_points(share) for share in (self.found.difference, low, high)]
        return f"{shown[0]} points ({shown[1]} to {shown[2]})"

    @property
    def words(self) -> str:
        """Whether the difference is one, in words."""
        if not self.found.difference:
            return "no difference"
        if not self.found.is_real:
            return "may be chance"
        return "really better" if self.found.difference > 0 else "really worse"

    def as_json(self) -> dict[str, Json]:
        """Return the comparison as plain JSON."""
        found = {**asdict(self.found), "ci95": list(self.found.ci95), "is_real": self.found.is_real}
        return {"against": self.against.value, "name": self.name, **found}


def comparisons(
    right: Mapping[str, Sequence[bool]], baselines: Mapping[Against, Sequence[bool]]
) -> dict[str, tuple[ConfigurationComparison, ...]]:
    """Compare each configuration, by its name, with the first, the best one, and what needs no strategy.

    All say by item what is right, of the same items. None is compared with itself; where several are equally
    good the first of them is the best one.
    """
    first, best = next(iter(right)), max(right, key=lambda name: sum(right[name]))
    return {
        name: (
            *(
                ConfigurationComparison(
                    against=against, name=other, found=paired_difference(mine, right[other])
                )
                for against, other in ((Against.FIRST, first), (Against.BEST, best))
                if other != name
            ),
            *(
                ConfigurationComparison(
                    against=against, name=against.value, found=paired_difference(mine, base)
                )
                for against, base in baselines.items()
            ),
        )
        for name, mine in right.items()
    }
