"""What an evaluation will probably cost and take, before it is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from orchestra_site.accounts.models import Membership
from orchestration.evaluation.engine.scorers import ScorerKind
from orchestration.evaluation.models import Dataset
from orchestration.evaluation.selectors import rule_set
from orchestration.evaluation.services.evaluation_runs import AT_ONCE
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel
from orchestration.routing.parts.preview import preview
from orchestration.strategies.engine.estimating import Estimate
from orchestration.strategies.engine.types import Request, total
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.estimates import estimate_request, estimate_verdict

MOST_READ = 200
"""Items of which the one of middling length is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationEstimate:
    """US dollars and seconds for all items under all configurations; None where nothing is known.

    `verdicts` are the answers that a judge scores, each with a call that is counted.
    """

    items: int
    outcomes: int
    verdicts: int
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
    scorer: Mapping[str, str],
) -> EvaluationEstimate | None:
    """Estimate by the item of middling length, which stands for all.

    None for a dataset without items, and where Auto finds no method for that item. `scorer` has its `kind`,
    and its `judge` and `rubric` where these are named.
    """
    items = min(dataset.size, first or dataset.size)
    found = sorted(dataset.items.values_list("prompt", "reference")[:MOST_READ], key=lambda row: len(row[0]))
    if not found or not configurations:
        return None
    text, reference = found[len(found) // 2]
    models = {model.name: model for model in models_with_profiles(membership)}
    asked = [_estimate(membership, text, each, models.values()) for each in configurations]
    done = [(items, each) for each in asked if each is not None]
    if len(done) < len(asked):
        return None
    judged = _judged(dataset, items, scorer) if scorer.get("judge") in models else 0
    if judged:
        told = "\n\n".join(filter(None, [scorer.get("rubric", ""), reference]))
        for each in configurations:
            names = tuple(each["models"]) or tuple(models)
            shown = Request(text=text, system=told, strategy=each["strategy"], models=names)
            done.append((judged, estimate_verdict(membership, shown, scorer["judge"], models)))
    return _whole(done, items, outcomes=items * len(asked), verdicts=judged * len(asked))


def _judged(dataset: Dataset, items: int, scorer: Mapping[str, str]) -> int:
    """Return how many of the first items a judge scores."""
    kinds = dataset.items.values_list("scorer", flat=True)[:items]
    return sum((kind or scorer.get("kind")) == ScorerKind.JUDGE for kind in kinds)


def _whole(
    done: Sequence[tuple[int, Estimate]], items: int, *, outcomes: int, verdicts: int
) -> EvaluationEstimate:
    """Add up what is done so many times; outcomes are made several at a time."""
    share = 1 / min(AT_ONCE, outcomes)
    return EvaluationEstimate(
        items=items,
        outcomes=outcomes,
        verdicts=verdicts,
        calls_low=sum(times * each.calls_low for times, each in done),
        calls_high=sum(times * each.calls_high for times, each in done),
        cost_low=total(None if each.cost_low is None else times * each.cost_low for times, each in done),
        cost_high=total(None if each.cost_high is None else times * each.cost_high for times, each in done),
        seconds_low=total(e.seconds_low and times * share * e.seconds_low for times, e in done),
        seconds_high=total(e.seconds_high and times * share * e.seconds_high for times, e in done),
    )


def _estimate(
    membership: Membership, text: str, asked: Mapping[str, Json], models: Iterable[LanguageModel]
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
