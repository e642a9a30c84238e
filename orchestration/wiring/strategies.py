"""The run kind `strategy`: a frozen request and panel handed to the strategy that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from orchestra_site.web.threads import in_database_thread
from orchestration.engine.context import RunContext
from orchestration.engine.strategies.fallback import answer
from orchestration.engine.strategies.registry import get_strategy
from orchestration.engine.types import Constraints, Json, Outcome, Request
from orchestration.kinds import Assignment, RunKind
from orchestration.wiring.credentials import secrets_for
from orchestration.wiring.panel import build_panel
from orchestration.wiring.resources import resources


async def _execute(assignment: Assignment, context: RunContext) -> Outcome:
    """Run the strategy named by the assignment."""
    providers = {UUID(entry["provider"]): entry["base_url"] for entry in assignment.panel}
    panel = build_panel(
        assignment.panel,
        secrets=await in_database_thread(secrets_for, assignment.team, providers),
        shared=resources(),
        scope=str(assignment.team),
        seed=assignment.seed,
        time_left=context.time_left,
    )
    return await answer(get_strategy(assignment.ref), request_of(assignment.request), panel, context)


def request_of(stored: Mapping[str, Json]) -> Request:
    """Return the engine's request as a run stored it."""
    constraints = stored.get("constraints", {})
    money = constraints.get("max_cost_usd")
    return Request(
        text=stored["text"],
        system=stored.get("system", ""),
        options=stored.get("options", {}),
        constraints=Constraints(
            max_cost_usd=None if money is None else Decimal(money),
            max_latency_s=constraints.get("max_latency_s"),
            min_quality=constraints.get("min_quality"),
            max_calls=constraints.get("max_calls"),
        ),
    )


STRATEGY = RunKind(name="strategy", execute=_execute)
