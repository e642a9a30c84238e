"""The figures of one strategy over all items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby
from math import sqrt

from orchestration.evaluation.engine.running import ItemResult
from orchestration.evaluation.engine.scoring import Baseline, Score
from orchestration.llm.engine.types import Json

Z95 = 1.959963984540054
BINS = 10

Judged = Sequence[tuple[float, bool]]
"""Pairs of an estimate, 0 to 1, and whether the answer was right."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); 0 to 1 without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(judged: Judged) -> float | None:
    """Return how often a right answer is estimated above a wrong one, a tie counting half.

    None unless there are both. The area under the ROC curve by ranks (Mann and Whitney 1947).
    """
    true = sum(right for _, right in judged)
    false = len(judged) - true
    if not true or not false:
        return None
    below, wins = 0, 0.0
    for _, tied in groupby(sorted(judged), key=lambda pair: pair[0]):
        outcomes = [right for _, right in tied]
        good = sum(outcomes)
        bad = len(outcomes) - good
        wins += good * (below + bad / 2)
        below += bad
    return wins / (true * false)


def expected_calibration_error(judged: Judged, bins: int = BINS) -> float | None:
    """Return the mean distance of estimates from the share of right answers, over bins of equal width.

    None without estimates; one of 1 belongs to the last bin. Naeini, Cooper and Hauskrecht 2015.
    """
    if not judged:
        return None
    by_bin: dict[int, list[tuple[float, bool]]] = {}
    for estimate, right in judged:
        by_bin.setdefault(min(int(estimate * bins), bins - 1), []).append((estimate, right))
    distances = (abs(sum(e for e, _ in pairs) - sum(r for _, r in pairs)) for pairs in by_bin.values())
    return sum(distances) / len(judged)


PER_ITEMS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyFigures:
    """The figures of one strategy. Accuracy and rates are fractions; None where there is no data."""

    strategy: str
    options: Mapping[str, Json]
    accuracy: float
    accuracy_ci95: tuple[float, float]
    cost_per_1k_usd: float | None
    calls_per_item: float
    escalation_rate: float
    failed_rate: float
    quality_auroc: float | None
    quality_ece: float | None
    baseline: Baseline
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints for a strategy."""
        shown = asdict(self)
        shown["accuracy_ci95"] = list(self.accuracy_ci95)
        shown["failures"] = list(self.failures)
        return {**shown, "routing": None}


def summarise(
    strategy: str,
    options: Mapping[str, Json],
    results: Sequence[ItemResult],
    scores: Sequence[Score],
    baseline: Baseline,
) -> StrategyFigures:
    """Return the figures of a strategy over at least one item; `failures` names each kind of failure once."""
    number, right = len(scores), sum(score.correct for score in scores)
    judged = [(score.quality, score.correct) for score in scores if score.quality is not None]
    failed = [item.error for item in results if item.error is not None]
    examples = {error.code: str(error) for error in reversed(failed)}
    return StrategyFigures(
        strategy=strategy,
        options=options,
        accuracy=right / number,
        accuracy_ci95=wilson(right, number),
        cost_per_1k_usd=_cost_per_thousand(results),
        calls_per_item=sum(item.calls for item in results) / number,
        escalation_rate=sum(score.escalated for score in scores) / number,
        failed_rate=len(failed) / number,
        quality_auroc=auroc(judged),
        quality_ece=expected_calibration_error(judged),
        baseline=baseline,
        failures=tuple(f"{code}: {words}" for code, words in sorted(examples.items())),
    )


def _cost_per_thousand(results: Sequence[ItemResult]) -> float | None:
    """Return US dollars for a thousand items, None where the recording has no price for some call."""
    costs = [item.cost_usd for item in results if item.cost_usd is not None]
    if len(costs) < len(results):
        return None
    return float(sum(costs, Decimal(0)) * PER_ITEMS / len(results))
