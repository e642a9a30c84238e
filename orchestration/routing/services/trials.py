"""A rule set tried on a team's past requests: nothing is asked and nothing stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.routing.engine.analysis import Analysis, Need, RequestType
from orchestration.routing.engine.dry_run import DryRun, PastRequest, Redecision, dry_run
from orchestration.routing.engine.plans import Considered, DecidedBy
from orchestration.routing.engine.rules import Priority, RoutingRules, Situation
from orchestration.routing.selectors import PastCallRow, auto_runs, calls_by_run, past_run_of
from orchestration.runs.models import Run
from orchestration.strategies.engine.classification import TaskType

MOST_TRIED = 1_000
MOST_SHOWN = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What a rule set would have changed; `shown` are the newest of the changed requests, with their runs."""

    found: DryRun
    shown: Sequence[tuple[Run, Redecision]]


def try_rules(membership: Membership, old: RoutingRules, new: RoutingRules) -> Trial:
    """Decide the team's last requests again by two rule sets and compare."""
    runs = [run for run in auto_runs(membership, MOST_TRIED) if "plan" in run.request]
    known = {str(run.pk): run for run in runs}
    calls = calls_by_run(runs)
    found = dry_run([past_request(run, calls.get(run.pk, ())) for run in runs], old, new)
    return Trial(found=found, shown=[(known[each.id], each) for each in found.changed[:MOST_SHOWN]])


def past_request(run: Run, calls: Sequence[PastCallRow]) -> PastRequest:
    """Return a request as it was planned, and how its run went."""
    plan, request = run.request["plan"], run.request
    priority = Priority(request.get("priority", Priority.NORMAL))
    analysis = stored_analysis(plan["analysis"])
    return PastRequest(
        id=str(run.pk),
        situation=Situation(
            text=run.prompt, analysis=analysis, priority=priority, now=timezone.localtime(run.created_at)
        ),
        at=run.created_at,
        considered=[stored_method(each) for each in plan["considered"]],
        run=past_run_of(run, timezone.now(), calls),
        dial=request.get("dial"),
        is_fixed=plan["decided_by"] == DecidedBy.REQUEST,
    )


def stored_analysis(stored: Mapping[str, Json]) -> Analysis:
    """Return an analysis as a run has it."""
    return Analysis(
        **{
            **stored,
            "type": RequestType(stored["type"]),
            "task": TaskType(stored["task"]),
            "needs": tuple(map(Need, stored["needs"])),
            "reasons": tuple(stored["reasons"]),
        }
    )


def stored_method(stored: Mapping[str, Json]) -> Considered:
    """Return a method that was considered as a run has it."""
    names = {each.name for each in fields(Considered)}
    known = {name: value for name, value in stored.items() if name in names}
    return Considered(**{**known, "models": tuple(stored["models"])})
