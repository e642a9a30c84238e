"""Deleting runs: who may, when, and what stays of them."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.kinds import get_page
from orchestration.runs.models import ENDED_BY_THEMSELVES, Run
from orchestration.runs.services.events import notify
from orchestration.runs.services.learning import learn_from


def may_delete(membership: Membership, run: Run) -> bool:
    """Return whether the member's role allows deleting a run: owners and admins any, operators their own."""
    return membership.may_configure or (membership.may_run and run.created_by_id == membership.user_id)


def refusal(membership: Membership, run: Run) -> str:
    """Return why the member cannot delete a run now; empty when they can."""
    if not may_delete(membership, run):
        return "Only owners and admins can delete what others asked."
    if not run.is_over:
        return f"It is still {run.status}. Cancel it first, then delete it."
    return ""


@transaction.atomic
def delete_run(*, membership: Membership, run: Run) -> None:
    """Delete a run with its answers, calls, events and ratings. Raises `InvalidRequest`.

    The audit log keeps who deleted which run, when it was asked and what it cost, and none of its texts. What
    models' profiles learned from it stays: it is learned first if it was not yet. Its worker cannot come
    between, for it writes with the run's row locked and only while the run goes on.
    """
    found = Run.objects.visible_to(membership).select_for_update().filter(id=run.id).first()
    if found is None:
        raise InvalidRequest("Somebody has deleted this run already.")
    if why := refusal(membership, found):
        raise InvalidRequest(why)
    if found.learned_at is None and found.status in ENDED_BY_THEMSELVES:
        learn_from([found])
    method, asked = get_page(found.kind).method(found.ref), timezone.localtime(found.created_at)
    record_change(
        membership=membership,
        action=AuditAction.RUN_DELETED,
        subject=f"{method} of {asked.day} {asked:%B %Y, %H:%M}",
        before={
            "run": str(found.id),
            "asked_by": str(found.created_by or ""),
            "status": found.status,
            "cost_usd": format(found.cost_usd.normalize(), "f"),
            "calls": found.calls_started,
        },
    )
    found.delete()
    transaction.on_commit(partial(notify, run.id, membership.team_id), robust=True)
