"""What an evaluation will probably cost and take, before it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.models import Dataset
from orchestration.evaluation.selectors import rule_set
from orchestration.evaluation.services.evaluation_runs import AT_ONCE
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.routing.parts.preview import preview
from orchestration.strategies.engine.estimating import Estimate
from orchestration.strategies.engine.types import Request
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.estimates import estimate_request


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationEstimate:
    """US dollars and seconds for all items under all configurations; None where nothing is known.

    A judge that scores the answers is not counted.
    """

    items: int
    outcomes: int
    calls_low: int
    calls_high: int
    cost_low: Decimal | None
    cost_high: Decimal | None
    seconds_low: float | None
    seconds_high: float | None


def estimate_evaluation(
    *,
    membership: Membership,
    dataset: Dataset,
    first: int | None,
    configurations: Sequence[Mapping[str, Json]],
) -> EvaluationEstimate | None:
    """Estimate by the item of middling length, which stands for all.

    None for a dataset without items, and where Auto finds no method for that item.
    """
    items = min(dataset.size, first or dataset.size)
    texts = sorted(dataset.items.values_list("prompt", flat=True)[:200], key=len)
    if not texts or not configurations:
        return None
    models = list(models_with_profiles(membership))
    text = texts[len(texts) // 2]
    made = [_estimate(membership, text, each, models) for each in configurations]
    found = [each for each in made if each is not None]
    if len(found) < len(made):
        return None
    rounds = items * len(found) / min(AT_ONCE, items * len(found)) / len(found)
    costs = [(each.cost_low, each.cost_high) for each in found]
    seconds = [(each.seconds_low, each.seconds_high) for each in found]
    return EvaluationEstimate(
        items=items,
        outcomes=items * len(found),
        calls_low=items * sum(each.calls_low for each in found),
        calls_high=items * sum(each.calls_high for each in found),
        cost_low=None
        if None in [c[0] for c in costs]
        else items * sum((c[0] or Decimal(0) for c in costs), Decimal(0)),
        cost_high=None
        if None in [c[1] for c in costs]
        else items * sum((c[1] or Decimal(0) for c in costs), Decimal(0)),
        seconds_low=None if None in [s[0] for s in seconds] else rounds * sum(s[0] or 0.0 for s in seconds),
        seconds_high=None if None in [s[1] for s in seconds] else rounds * sum(s[1] or 0.0 for s in seconds),
    )


def _estimate(
    membership: Membership, text: str, asked: Mapping[str, Json], models: Sequence[LanguageModel]
) -> Estimate | None:
    """Return what one item costs and takes; under Auto that is by the method that it chooses today."""
    rules = rule_set(asked["strategy"])
    if rules is not None:
        payload = {"text": text, "ref": rules, "models": asked["models"], **asked["options"]}
        return preview(membership, payload).estimate
    request = Request(
        text=text, strategy=asked["strategy"], models=tuple(asked["models"]), options=asked["options"]
    )
    return estimate_request(membership=membership, request=request, models=models)
