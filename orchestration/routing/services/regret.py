"""The regret of a team's newest runs of Auto, read without what these asked and answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.arms import Utility
from orchestration.routing.engine.off_policy import LoggedDecision, Outlook
from orchestration.routing.engine.plans import DecidedBy
from orchestration.routing.engine.regret import MeasuredRun, Regret, regret
from orchestration.routing.selectors import KIND
from orchestration.runs.models import Run, RunStatus
from orchestration.strategies.engine.single_model import Basis, PanelWorth, SingleModel, panel_worth

MOST_MEASURED = 1_000


def measured_regret(membership: Membership, now: datetime) -> Regret:
    """Return the regret of the newest runs that chose their method by themselves; one query."""
    runs = Run.objects.visible_to(membership).filter(
        kind=KIND, status=RunStatus.SUCCEEDED, quality__isnull=False
    )
    read = runs.annotate(
        plan=F("request__plan"),
        again=F("outcome__reused"),
        single=F("outcome__single"),
        liked=F("routed_answer__liked"),
        rated=F("routed_answer__rated"),
    ).only("quality", "cost_usd", "created_at", "started_at", "finished_at", "waiting_since", "team_id")
    newest = list(read.order_by("-created_at", "-id")[:MOST_MEASURED])
    found = [measured_run(run, now) for run in reversed(newest)]
    return regret([each for each in found if each is not None])


def measured_run(run: Any, now: datetime) -> MeasuredRun | None:  # noqa: ANN401  # a run with annotations
    """Return what a run says of regret; None where its method was asked for, or an answer used again."""
    plan: Mapping[str, Json] = run.plan or {}
    known = {each["ref"]: each for each in plan.get("considered", ())}
    method = str(plan.get("method"))
    if run.again or method not in known or plan["decided_by"] == DecidedBy.REQUEST:
        return None
    utility = Utility.from_dial(plan["dial"])

    def outlook(quality: float, cost_usd: float, seconds: float) -> Outlook:
        value = utility.value(quality, cost_usd, seconds)
        return Outlook(utility=value, quality=quality, cost_usd=cost_usd, seconds=seconds)

    quality = run.liked / run.rated if run.rated else run.quality
    seconds = run.working_seconds(now) or 0.0
    worth = panel_worth(run.single, quality, float(run.cost_usd), seconds)
    cost_usd, seconds = (worth.cost_usd, worth.seconds or 0.0) if worth else (float(run.cost_usd), seconds)
    chances = {ref: each["propensity"] for ref, each in known.items() if each["propensity"] > 0}
    decision = LoggedDecision(
        chosen=method,
        propensities=chances if method in chances else {method: 1.0},
        expected={
            ref: outlook(each["quality"], each["cost_usd"], each["seconds"]) for ref, each in known.items()
        },
        brought=outlook(quality, cost_usd, seconds),
    )
    asked = {} if worth is None else _asked(worth, utility, known)
    return MeasuredRun(at=run.created_at, decision=decision, asked=asked)


def _asked(worth: PanelWorth, utility: Utility, known: Mapping[str, Mapping[str, Json]]) -> dict[str, float]:
    """Return the utility of a model that was asked by itself to compare, if one was and can be judged."""
    single = worth.single
    ref = f"model/{single.model}"
    quality = _quality(single, worth.quality, known.get(ref))
    if single.basis is not Basis.ASKED or quality is None:
        return {}
    return {ref: utility.value(quality, single.cost_usd or 0.0, single.seconds or 0.0)}


def _quality(single: SingleModel, quality: float | None, expected: Mapping[str, Json] | None) -> float | None:
    """Return the quality of a model's answer beside that of the run.

    One that says the same is as good. One that says something else, and that nothing judged, is as good as is
    expected of the model, at most as likely right as the answer of the run is wrong.
    """
    if single.error:
        return 0.0
    if single.agrees:
        return quality
    if single.quality is None and single.agrees is False and expected is not None and quality is not None:
        return min(float(expected["quality"]), 1 - quality)
    return single.quality
