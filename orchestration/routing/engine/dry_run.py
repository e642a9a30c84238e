"""What other rules would have done with past requests: each is decided again, with what was known of it then.

Nothing is asked. Methods are those that were considered then, with what was expected of them; how busy models
were is not known any more, and rules that look at it do not match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from orchestration.routing.engine.arms import Utility
from orchestration.routing.engine.off_policy import LoggedDecision, Outlook, WhatIf, what_if
from orchestration.routing.engine.optimising import PastRun, firing
from orchestration.routing.engine.plans import Considered, DecidedBy
from orchestration.routing.engine.rules import How, RoutingRules, Situation, match

MOST_BEFORE = 100
"""Runs before a request that optimisation rules look at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastRequest:
    """A request that was answered, and what was known then. `dial` is its own, None for the team's.

    `run` is how the run went, `is_fixed` that the request itself named its method.
    """

    id: str
    situation: Situation
    at: datetime
    considered: Sequence[Considered]
    run: PastRun
    dial: float | None = None
    is_fixed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Redecision:
    """A request for which other rules choose another method, or change how it is executed."""

    id: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """What other rules would have changed among so many past requests, and what that would have brought."""

    requests: int
    changed: tuple[Redecision, ...]
    brought: WhatIf


def dry_run(requests: Sequence[PastRequest], old: RoutingRules, new: RoutingRules) -> DryRun:
    """Compare what two rule sets do with past requests, the newest first."""
    changed = []
    for place, request in enumerate(requests):
        history = [each.run for each in requests[place + 1 : place + 1 + MOST_BEFORE]]
        before, _ = _decided(request, old, history)
        after, why = _decided(request, new, history)
        if before != after:
            changed.append(Redecision(id=request.id, before=before, after=after, why=why))
    return DryRun(requests=len(requests), changed=tuple(changed), brought=brought_by(requests, new))


def brought_by(requests: Sequence[PastRequest], rules: RoutingRules) -> WhatIf:
    """Estimate what rules would have brought, from the requests whose answers were judged."""
    logged, shares = list[LoggedDecision](), dict[int, dict[str, float]]()
    for request in requests:
        decision = _logged(request, rules)
        if decision is not None:
            logged.append(decision)
            shares[id(decision)] = {decide(request, rules)[0]: 1.0}
    return what_if(logged, lambda decision: shares[id(decision)])


def _logged(request: PastRequest, rules: RoutingRules) -> LoggedDecision | None:
    """Return a request as a logged decision, None where nothing judged its answer."""
    known = {each.ref: each for each in request.considered}
    run, quality = request.run, request.run.quality
    if quality is None or run.method not in known or request.is_fixed:
        return None
    utility = Utility.from_dial(rules.dial if request.dial is None else request.dial)

    def outlook(quality: float, cost_usd: float, seconds: float) -> Outlook:
        value = utility.value(quality, cost_usd, seconds)
        return Outlook(utility=value, quality=quality, cost_usd=cost_usd, seconds=seconds)

    chances = {ref: each.propensity for ref, each in known.items() if each.propensity > 0}
    return LoggedDecision(
        chosen=run.method,
        propensities=chances if run.method in chances else {run.method: 1.0},
        expected={ref: outlook(each.quality, each.cost_usd, each.seconds) for ref, each in known.items()},
        brought=outlook(quality, run.cost_usd, run.seconds),
    )


def _decided(request: PastRequest, rules: RoutingRules, history: Sequence[PastRun]) -> tuple[str, str]:
    """Return in words what rules do with a request, and why."""
    ref, why = decide(request, rules)
    titles = {each.ref: each.title for each in request.considered}
    models = next((each.models for each in request.considered if each.ref == ref), ())
    aged = _aged(history, request)
    acting = list(firing(rules.optimisations, aged, ref, models, request.situation.load))
    remedies = dict.fromkeys(f"{each.rule.remedy}" for each in acting)
    words = ", ".join((titles.get(ref, ref), *remedies))
    return words, " ".join([why, *(each.sentence for each in acting)])


def _aged(history: Sequence[PastRun], request: PastRequest) -> list[PastRun]:
    """Return runs with their age at the time of a request."""
    return [replace(each, age_s=each.age_s - request.run.age_s) for each in history]


def decide(request: PastRequest, rules: RoutingRules) -> tuple[str, str]:
    """Return the method that rules choose for a past request without exploring, and why."""
    usable = {each.ref: each for each in request.considered if not each.obstacle}
    if request.is_fixed:
        return request.run.method, DecidedBy.REQUEST.value
    for rule in rules.rules:
        targets = [each for each in rule.use if each.method in usable]
        found = match(rule, request.situation)
        if not (found.matches and targets):
            continue
        chosen = targets[0]
        if rule.how is How.BALANCE:
            weights = [each.weight for each in targets]
            chosen = Random(request.id).choices(targets, weights=weights)[0]  # noqa: S311  # the same each time
        return chosen.method, f"Rule {rule.id}: {found.words}."
    utility = Utility.from_dial(rules.dial if request.dial is None else request.dial)
    offered = [each for each in usable.values() if each.offered or each.ref in rules.methods]
    if not offered:
        return request.run.method, "No other method could be used."
    best = max(offered, key=lambda each: utility.value(each.quality, each.cost_usd, each.seconds))
    return best.ref, "The best expected value."
