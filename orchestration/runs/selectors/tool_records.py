"""How a team's tools were used lately, for the Tools page."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestra_site.accounts.models import Membership
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Event, Run
from orchestration.runs.selectors.call_records import RECENT_DAYS, RECENT_RUNS
from orchestration.tools.selectors import ToolRecord


def tool_records(membership: Membership, now: datetime) -> dict[str, ToolRecord]:
    """Return each tool's record over the team's newest runs of the last days."""
    runs = Run.objects.visible_to(membership).filter(created_at__gte=now - timedelta(days=RECENT_DAYS))
    newest = runs.order_by("-created_at", "-id").values("pk")[:RECENT_RUNS]
    ended = Event.objects.filter(run__in=newest, kind=EventKind.TOOL_ENDED).order_by("at")
    found: dict[str, ToolRecord] = {}
    for data, at in ended.values_list("data", "at"):
        name, failed = data["tool"], not data["ok"]
        before = found.get(name)
        calls, failures, error = (before.calls, before.failed, before.error) if before else (0, 0, "")
        found[name] = ToolRecord(
            calls=calls + 1,
            failed=failures + failed,
            last_at=at,
            error=data.get("error", "") if failed else error,
        )
    return found
