"""What Ask shows of `auto` before anything is sent: the method that would be chosen, its cost and time."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.constraints import MethodLevel
from orchestration.routing.engine.executing import ROUTE, SINGLE_MODEL_STRATEGY
from orchestration.routing.engine.plans import RoutePlan
from orchestration.routing.selectors import KIND, USUAL_RULES
from orchestration.routing.services.planning import checked_auto, make_plan
from orchestration.runs.models import Run
from orchestration.strategies.engine.estimating import Estimate
from orchestration.strategies.engine.types import Request
from orchestration.strategies.kinds import FirstMethod, MethodPreview
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.estimates import estimate_request


def preview(membership: Membership, payload: Mapping[str, Json]) -> MethodPreview:
    """Return the method that looks best for a request, as far as that is filled in, with its estimate."""
    if not str(payload.get("text", "")).strip():
        return MethodPreview()
    try:
        made = make_plan(
            membership, checked_auto(payload), str(payload.get("ref") or USUAL_RULES), explores=False
        )
    except InvalidRequest as refusal:
        return MethodPreview(refusal=str(refusal))
    found = made.plan
    return MethodPreview(
        title=found.title,
        reason=f"{made.analysis.sentence} {found.reason}",
        estimate=_estimate(membership, found, payload),
    )


def _estimate(membership: Membership, found: RoutePlan, payload: Mapping[str, Json]) -> Estimate:
    """Return what the chosen method costs and takes, by the estimate that Ask makes of strategies."""
    first = found.chain[0]
    kind, _, name = first.ref.partition("/")
    if first.level == MethodLevel.MODEL:
        kind, name = "strategy", SINGLE_MODEL_STRATEGY
    if kind == "strategy":
        request = Request(
            text=str(payload.get("text", "")),
            system=str(payload.get("system", "")),
            strategy=name,
            models=first.models,
            options=dict(first.options),
        )
        models = models_with_profiles(membership)
        return estimate_request(membership=membership, request=request, models=models)
    typical = found.chosen
    cost = Decimal(str(typical.cost_usd)) if typical.cost_usd else None
    return Estimate(
        cost_low=cost,
        cost_high=cost,
        seconds_low=typical.seconds,
        seconds_high=typical.seconds,
        calls_low=0,
        calls_high=0,
    )


def decision(run: Run) -> Mapping[str, Json]:
    """Return how the method of a run was chosen: what was considered, what decided, and what was tried."""
    plan, outcome = run.request["plan"], run.outcome or {}
    names = (
        "method",
        "decided_by",
        "rule",
        "reason",
        "explored",
        "propensity",
        "considered",
        "fired",
        "remarks",
    )
    made = {name: plan[name] for name in names}
    return {"kind": ROUTE, "chosen": plan["title"], **made, "attempts": outcome.get("attempts", [])}


AUTO_METHOD = FirstMethod(kind=KIND, ref=USUAL_RULES, preview=preview, decision=decision)
