"""What the top bar of every page shows of orchestration: how many of the team's runs are under way."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from orchestration.runs.selectors.runs_live import open_run_counts


def topbar(request: HttpRequest) -> dict[str, Any]:
    """Give every page the running count and the address of the socket that keeps it (a context processor)."""
    membership = getattr(request, "membership", None)
    if membership is None or getattr(request, "htmx", False):
        return {}
    team = membership.team_id
    return {"open_runs": open_run_counts({team}).get(team, 0), "team_socket": f"/ws/team/{team}/"}


def running_count(count: int) -> str:
    """Return the running count as an out-of-band swap."""
    return render_to_string("components/_running_count.html", {"open_runs": count, "oob": True})
