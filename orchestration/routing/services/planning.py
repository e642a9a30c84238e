"""Plans of a team's requests: what is known is read, the plan made, and what it needs frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random, SystemRandom
from time import perf_counter

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json, plain
from orchestration.routing.engine.analysis import Analysis, analyse
from orchestration.routing.engine.constraints import MethodLevel
from orchestration.routing.engine.planning import plan
from orchestration.routing.engine.plans import Attempt, DecidedBy, Knowledge, RoutePlan
from orchestration.routing.engine.request import AutoRequest, parsed_auto
from orchestration.routing.engine.rules import Situation
from orchestration.routing.selectors import (
    KIND,
    USUAL_RULES,
    ChosenRules,
    model_load,
    past_runs,
    router_state,
    rules_in_force,
    spent_exploring,
)
from orchestration.routing.services.methods import team_methods, team_models
from orchestration.runs.kinds import CheckedRequest, get_kind, with_children
from orchestration.runs.models import Run, RunStatus
from orchestration.strategies.services.strategy_runs import parse_request, shared_panel
from orchestration.tools.services.registry import freeze_tools

CALLS_EACH = 2
"""Calls of each model by which a limit on the cost is shared."""
LONGEST_TIMEOUT_S = 3_600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MadePlan:
    """A plan with what it rests on; `analysis_s` and `planning_s` are what the two took."""

    request: AutoRequest
    analysis: Analysis
    plan: RoutePlan
    chosen: ChosenRules
    analysis_s: float
    planning_s: float

    def stored(self) -> dict[str, Json]:
        """Return it as a run keeps it."""
        found: dict[str, Json] = plain(self.plan)
        own = {"analysis": plain(self.analysis), "analysis_sentence": self.analysis.sentence}
        return {**found, **own, "analysis_s": self.analysis_s, "planning_s": self.planning_s}


def checked_auto(payload: Mapping[str, Json]) -> AutoRequest:
    """Return a payload as a request; its limits are refused in the words that strategies have for them."""
    parse_request({"text": "", "constraints": payload.get("constraints") or {}})
    return parsed_auto(dict(payload))


def make_plan(
    membership: Membership, request: AutoRequest, ref: str = USUAL_RULES, *, explores: bool = True
) -> MadePlan:
    """Return the plan of a request; without `explores` the one that looks best. Raises `InvalidRequest`."""
    began, now = perf_counter(), timezone.now()
    analysis = analyse(request.text, request.system)
    analysed = perf_counter()
    chosen = rules_in_force(membership, ref)
    models = team_models(membership, request, analysis)
    situation = Situation(
        text=request.text,
        analysis=analysis,
        priority=request.priority,
        now=timezone.localtime(now),
        load=model_load(membership),
    )
    allowed = chosen.rules.exploration_usd
    minutes = [each.minutes for each in chosen.rules.optimisations if each.enabled]
    left = allowed - spent_exploring(membership, now) if explores and allowed else 0.0
    known = Knowledge(
        rules=chosen.rules,
        options=team_methods(membership, request, chosen.rules, models, analysis),
        state=router_state(membership),
        history=past_runs(membership, now, max(minutes)) if minutes else (),
        remaining_usd=max(0.0, left),
    )
    random: Random = SystemRandom()
    return MadePlan(
        request=request,
        analysis=analysis,
        plan=plan(request, situation, known, random),
        chosen=chosen,
        analysis_s=analysed - began,
        planning_s=perf_counter() - analysed,
    )


def frozen_plan(membership: Membership, made: MadePlan) -> CheckedRequest:
    """Return a plan as a run keeps it, with all that its methods need. Raises `InvalidRequest`."""
    made, children = _freezable(membership, made)
    request, current = made.request, made.plan
    named = {name: "models" for attempt in current.chain for name in attempt.models}
    named |= {entry["spec"]["name"]: "method" for child in children for entry in child.panel}
    if request.baseline and current.single:
        named.setdefault(current.single.partition("/")[2], "models")
    panel = shared_panel(
        membership, named, request.constraints, request.text, CALLS_EACH * max(1, len(named))
    )
    factor = current.timeout_factor
    panel = [
        {**entry, "timeout_s": max(entry["timeout_s"], min(LONGEST_TIMEOUT_S, factor * entry["timeout_s"]))}
        for entry in panel
    ]
    limits = request.constraints.model_dump(mode="json", exclude_none=True)
    own: dict[str, Json] = {
        **request.model_dump(mode="json"),
        "ref": made.chosen.rules.name,
        "version": made.chosen.version,
        "constraints": limits,
        "team": membership.team.name,
        "asked_tools": list(request.tools),
        "plan": made.stored(),
        "reused": _answer_again(membership, made),
    }
    stored = {**with_children({}, children), **own}
    tools = freeze_tools(membership.team_id, request.tools)
    stored["tools"] = {**with_children({"tools": {}}, children)["tools"], **tools}
    return CheckedRequest(ref=made.chosen.rules.name, prompt=request.text, request=stored, panel=panel)


def _freezable(membership: Membership, made: MadePlan) -> tuple[MadePlan, Sequence[CheckedRequest]]:
    """Return the plan without methods that cannot be frozen, and what the others are frozen with.

    Raises `InvalidRequest` where the request asks for one of these, or none is left.
    """
    kept: list[Attempt] = []
    children, remarks = list[CheckedRequest](), list(made.plan.remarks)
    for attempt in made.plan.chain:
        try:
            child = _child(membership, attempt, made.request)
        except InvalidRequest as error:
            if made.plan.decided_by is DecidedBy.REQUEST and attempt is made.plan.chain[0]:
                raise InvalidRequest(str(error), field="method") from error
            remarks.append(f"{attempt.title} cannot be used: {error}")
            continue
        kept.append(attempt)
        children += [child] if child is not None else []
    if not kept:
        raise InvalidRequest(f"No method of the plan can be used. {' '.join(remarks)}", field="method")
    changed, first = replace(made.plan, chain=tuple(kept), remarks=tuple(remarks)), kept[0]
    if first.ref != changed.method:
        reason = f"{changed.title} cannot be used; {first.title} follows it in the chain."
        changed = replace(changed, method=first.ref, title=first.title, reason=reason)
        changed = replace(changed, explored=False, propensity=1.0, extra_usd=0.0)
    return replace(made, plan=changed), children


def _child(membership: Membership, attempt: Attempt, request: AutoRequest) -> CheckedRequest | None:
    """Return what a run has to be frozen with for a pipeline, a session or the like; None for a strategy."""
    kind, _, ref = attempt.ref.partition("/")
    if attempt.level == MethodLevel.MODEL or kind == "strategy":
        return None
    child = get_kind(kind).freeze_child(membership, ref, {"text": request.text})
    asked = {entry["spec"]["name"] for entry in child.panel}
    if clash := asked & set(request.excluded):
        raise InvalidRequest(f"it may ask {min(clash)}, which this request excludes.", field="excluded")
    return child


def _answer_again(membership: Membership, made: MadePlan) -> Mapping[str, Json] | None:
    """Return the answer to the same question that an optimisation rule lets be used again, if any."""
    if not made.plan.reuse_minutes:
        return None
    since = timezone.now() - timedelta(minutes=made.plan.reuse_minutes)
    runs = Run.objects.visible_to(membership).filter(
        kind=KIND, status=RunStatus.SUCCEEDED, caveat="", finished_at__gte=since, prompt=made.request.text
    )
    same = runs.filter(request__system=made.request.system, request__plan__method=made.plan.method)
    found = same.order_by("-finished_at").first()
    if found is None or found.request.get("reused"):
        return None
    return {"run": str(found.pk), "answer": found.answer, "output": found.output, "quality": found.quality}
