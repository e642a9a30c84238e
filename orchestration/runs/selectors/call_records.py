"""How the calls to a team's models went lately, for the Models page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from orchestra_site.accounts.models import Membership
from orchestration.llm.selectors import CallRecord
from orchestration.runs.models import Call, CallStatus, Run

RECENT_DAYS = 7
RECENT_RUNS = 2_000


def call_records(membership: Membership, now: datetime) -> dict[str, CallRecord]:
    """Return each model's record over the team's newest runs of the last days, whatever their number was."""
    runs = Run.objects.visible_to(membership).filter(created_at__gte=now - timedelta(days=RECENT_DAYS))
    newest = runs.order_by("-created_at", "-id").values("pk")[:RECENT_RUNS]
    ended = Call.objects.filter(run__in=newest).exclude(status=CallStatus.RUNNING).order_by()
    by_model: dict[str, list[EndedCall]] = {}
    for name, status, seconds, cost in ended.values_list("model", "status", "latency_s", "cost_usd"):
        by_model.setdefault(name, []).append(EndedCall(CallStatus(status), seconds, cost))
    return {name: call_record(calls) for name, calls in by_model.items()}


@dataclass(frozen=True, slots=True)
class EndedCall:
    """What a record is computed from."""

    status: CallStatus
    seconds: float | None
    cost_usd: Decimal | None


def call_record(calls: Iterable[EndedCall]) -> CallRecord:
    """Summarise a model's calls."""
    ended = list(calls)
    done = [call for call in ended if call.status == CallStatus.DONE]
    tried = [call for call in ended if call.status != CallStatus.CANCELLED]
    seconds = [call.seconds for call in done if call.seconds is not None]
    return CallRecord(
        calls=len(ended),
        success=len(done) / len(tried) if tried else None,
        median_s=median(seconds) if seconds else None,
        cost_usd=sum((call.cost_usd for call in ended if call.cost_usd is not None), Decimal(0)),
    )
