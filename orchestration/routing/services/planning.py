"""Plans of a team's requests: what is known is read, the plan made, and what it needs frozen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random, SystemRandom
from time import perf_counter

from django.db.models import Q
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json, plain
from orchestration.routing.engine.analysis import Analysis, analyse
from orchestration.routing.engine.planning import plan
from orchestration.routing.engine.plans import Attempt, DecidedBy, Knowledge, RoutePlan
from orchestration.routing.engine.request import PLANNED, AutoRequest, parsed_auto
from orchestration.routing.engine.rules import Priority, Situation
from orchestration.routing.selectors import (
    KIND,
    RULES,
    USUAL_RULES,
    ChosenRules,
    model_load,
    past_runs,
    router_state,
    rules_in_force,
    spent_exploring,
)
from orchestration.routing.services.methods import MODEL, frozen_models, team_methods, team_models
from orchestration.runs.kinds import CheckedRequest, FrozenRun, get_kind, with_children
from orchestration.runs.models import Run, RunStatus
from orchestration.strategies.engine.strategy import all_strategies
from orchestration.strategies.forms.panel import default_panel
from orchestration.strategies.selectors import models_with_profiles
from orchestration.strategies.services.strategy_runs import parse_request, shared_panel
from orchestration.tools.services.registry import freeze_tools

CALLS_EACH = 2
"""Calls of each model by which a limit on the cost is shared."""
RULE_SETS, ROUTED = "rule_sets", "routed"
"""Where the request of a parent has the rule sets of its children, and methods of other kinds for these."""
FREEZING: ContextVar[frozenset[str]] = ContextVar("FREEZING", default=frozenset())
"""The rule sets that a parent is being frozen with: a pipeline of one may have runs of Auto itself."""
LATER = "A question that comes later."


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
    return _made(membership, request, rules_in_force(membership, ref), explores=explores)


def _made(
    membership: Membership,
    request: AutoRequest,
    chosen: ChosenRules,
    *,
    explores: bool,
    child: FrozenRun | None = None,
) -> MadePlan:
    """Return a plan; that of a `child` uses what the run was frozen with."""
    began, now = perf_counter(), timezone.now()
    analysis = analyse(request.text, request.system)
    analysed = perf_counter()
    if child is None:
        models, frozen = team_models(membership, request, analysis), None
    else:
        models, frozen = frozen_models(child.panel, request, analysis), child.request[ROUTED]
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
        options=team_methods(membership, request, chosen.rules, models, analysis, frozen),
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
            child = _child(membership, attempt.ref, made.request)
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


def _child(membership: Membership, method: str, request: AutoRequest) -> CheckedRequest | None:
    """Return what a run has to be frozen with for a pipeline, a session or the like.

    None for a model or a strategy.
    """
    kind, _, ref = method.partition("/")
    if kind in {MODEL, "strategy"}:
        return None
    child = get_kind(kind).freeze_child(membership, ref, {"text": request.text})
    asked = {entry["spec"]["name"] for entry in child.panel}
    if clash := asked & set(request.excluded):
        raise InvalidRequest(f"it may ask {min(clash)}, which this request excludes.", field="excluded")
    return child


def frozen_rules(membership: Membership, ref: str, request: AutoRequest) -> CheckedRequest:
    """Return what a parent is frozen with for children that choose their method by a rule set.

    That is the rules, and the models and methods that these and the request name. A method of a rule that
    cannot be frozen is left out, as is what one of these asks of the same rule set again: the parent has it
    then. Raises `InvalidRequest` for what the request names.
    """
    outer = FREEZING.get()
    if ref in outer:
        return CheckedRequest(ref=ref, prompt="", request={})
    token = FREEZING.set(outer | {ref})
    try:
        return _frozen_rules(membership, ref, request)
    finally:
        FREEZING.reset(token)


def _frozen_rules(membership: Membership, ref: str, request: AutoRequest) -> CheckedRequest:
    chosen = rules_in_force(membership, ref)
    rows = list(models_with_profiles(membership))
    usual, known = request.models or tuple(default_panel(rows)), {row.name for row in rows}
    models = dict.fromkeys(usual, "models")
    for field in ("preferred", "required"):
        models |= dict.fromkeys(getattr(request, field), field)
    children, routed = list[CheckedRequest](), dict[str, Json]()
    if not _may_exist(request.method, known):
        raise InvalidRequest(f"There is no method “{request.method[:80]}” in this team.", field="method")
    for method in filter(None, dict.fromkeys((request.method, *chosen.rules.named))):
        if (name := method.removeprefix(f"{MODEL}/")) in known:
            models.setdefault(name, "method")
            continue
        try:
            child = _child(membership, method, request)
        except InvalidRequest as error:
            if method == request.method:
                raise InvalidRequest(str(error), field="method") from error
            continue
        if child is not None:
            children.append(child)
            routed[method] = True
    models |= {entry["spec"]["name"]: "method" for child in children for entry in child.panel}
    own = {"rules": chosen.rules.model_dump(mode="json"), "version": chosen.version, "panel": list(usual)}
    stored = {**with_children({}, children), RULE_SETS: {ref: own}, ROUTED: routed}
    panel = shared_panel(membership, models, request.constraints, request.text, CALLS_EACH * len(models))
    return CheckedRequest(ref=ref, prompt="", request=stored, panel=panel)


def _may_exist(method: str, models: Collection[str]) -> bool:
    """Return whether a method is no model or strategy that is not there."""
    kind, _, name = method.partition("/")
    return name in {MODEL: models, "strategy": all_strategies()}.get(kind, {name})


def plan_child(run: FrozenRun) -> dict[str, Json]:
    """Return the plan of a child, by what its parent was frozen with and what is known of methods by now.

    It explores nothing: what comes of a child teaches the router nothing. Raises `InvalidRequest`.
    """
    frozen = run.request[RULE_SETS][run.ref]
    rules = RULES.stored(frozen["rules"])
    if rules is None:
        raise InvalidRequest(f"The rule set “{run.ref[:40]}” cannot be read any more.", field="ref")
    request = parsed_auto({name: run.request[name] for name in AutoRequest.model_fields})
    team = Membership(team_id=run.team)  # what a plan reads is the team's, whoever asks
    chosen = ChosenRules(rules=rules, version=frozen["version"])
    made = _made(team, request, chosen, explores=False, child=run)
    return {PLANNED: made.stored(), "reused": _answer_again(team, made)}


def _answer_again(membership: Membership, made: MadePlan) -> Mapping[str, Json] | None:
    """Return the answer to the same question that an optimisation rule lets be used again, if any."""
    if not made.plan.reuse_minutes:
        return None
    since = timezone.now() - timedelta(minutes=made.plan.reuse_minutes)
    runs = Run.objects.visible_to(membership).filter(
        kind=KIND, status=RunStatus.SUCCEEDED, caveat="", finished_at__gte=since, prompt=made.request.text
    )
    same = runs.filter(request__system=made.request.system, request__plan__method=made.plan.method)
    if made.request.needs_consensus:
        same = same.filter(Q(request__priority=Priority.CRITICAL) | Q(request__require_consensus=True))
    found = same.order_by("-finished_at").first()
    if found is None or found.request.get("reused"):
        return None
    return {"run": str(found.pk), "answer": found.answer, "output": found.output, "quality": found.quality}
