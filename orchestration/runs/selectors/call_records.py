"""How the calls to a team's models went lately, for the Models page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from orchestra_site.accounts.models import Membership
from orchestration.llm.selectors import CallRecord
from orchestration.runs.models import Call, CallStatus, Run

RECENT_DAYS = 7
RECENT_RUNS = 2_000
EndedCall = tuple[str, float | None, Decimal | None]
"""Status, seconds, US dollars."""


def call_records(membership: Membership, now: datetime) -> dict[str, CallRecord]:
    """Return each model's record over the team's newest runs of the last days, whatever their number was."""
    runs = Run.objects.visible_to(membership).filter(created_at__gte=now - timedelta(days=RECENT_DAYS))
    newest = runs.order_by("-created_at", "-id").values("pk")[:RECENT_RUNS]
    ended = Call.objects.filter(run__in=newest).exclude(status=CallStatus.RUNNING).order_by()
    by_model: dict[str, list[EndedCall]] = {}
    for name, status, seconds, cost in ended.values_list("model", "status", "latency_s", "cost_usd"):
        by_model.setdefault(name, []).append((status, seconds, cost))
    return {name: _record(calls) for name, calls in by_model.items()}


def _record(calls: Sequence[EndedCall]) -> CallRecord:
    done = [seconds for status, seconds, _ in calls if status == CallStatus.DONE]
    tried = sum(status != CallStatus.CANCELLED for status, _, _ in calls)
    timed = [seconds for seconds in done if seconds is not None]
    return CallRecord(
        calls=len(calls),
        success=len(done) / tried if tried else None,
        median_s=median(timed) if timed else None,
        cost_usd=sum((cost for _, _, cost in calls if cost is not None), Decimal(0)),
    )
