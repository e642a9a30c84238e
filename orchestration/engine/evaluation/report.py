"""The figures of one strategy over all items, as the command prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from orchestration.engine.evaluation.baselines import Baseline
from orchestration.engine.evaluation.scoring import Score
from orchestration.engine.evaluation.statistics import auroc, expected_calibration_error, wilson
from orchestration.engine.evaluation.trial import Played
from orchestration.engine.types import Json

PER = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One strategy's figures. Accuracy and rates are fractions; None where there is nothing to say."""

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
    played: Sequence[Played],
    scores: Sequence[Score],
    baseline: Baseline,
) -> Result:
    """Return the figures of a strategy over at least one item; `failures` names each kind of failure once."""
    number, right = len(scores), sum(score.correct for score in scores)
    judged = [(score.quality, score.correct) for score in scores if score.quality is not None]
    failed = [item.error for item in played if item.error is not None]
    examples = {error.code: str(error) for error in reversed(failed)}
    return Result(
        strategy=strategy,
        options=options,
        accuracy=right / number,
        accuracy_ci95=wilson(right, number),
        cost_per_1k_usd=cost_per_thousand(played),
        calls_per_item=sum(item.calls for item in played) / number,
        escalation_rate=sum(score.escalated for score in scores) / number,
        failed_rate=len(failed) / number,
        quality_auroc=auroc(judged),
        quality_ece=expected_calibration_error(judged),
        baseline=baseline,
        failures=tuple(f"{code}: {words}" for code, words in sorted(examples.items())),
    )


def cost_per_thousand(played: Sequence[Played]) -> float | None:
    """Return US dollars for a thousand items, None where the recording has no price for some call."""
    costs = [item.cost_usd for item in played if item.cost_usd is not None]
    if len(costs) < len(played):
        return None
    return float(sum(costs, Decimal(0)) * PER / len(played))
