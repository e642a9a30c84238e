"""What members think of answers."""

from __future__ import annotations

from django.db import transaction

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.engine.events import EventKind, RunEvent
from orchestration.runs.kinds import all_kinds
from orchestration.runs.models import Rating, Run
from orchestration.runs.services.events import emit_events

LONGEST_COMMENT = 500


@transaction.atomic
def rate_run(*, membership: Membership, run: Run, value: int, comment: str = "") -> Rating:
    """Store or change the member's rating of a run: 1 good, -1 bad.

    Raises `InvalidRequest` for another value, a comment over 500 characters, or a run that is not over.
    """
    if value not in {1, -1}:
        raise InvalidRequest("A rating is good or bad.", field="value")
    if len(comment) > LONGEST_COMMENT:
        raise InvalidRequest(f"A comment has at most {LONGEST_COMMENT} characters.", field="comment")
    held = Run.objects.visible_to(membership).select_for_update().get(id=run.id)
    if not held.is_over:
        raise InvalidRequest("A run can be rated once it is over.", field="value")
    rating, _ = Rating.objects.update_or_create(
        run=held, user=membership.user, defaults={"value": value, "comment": comment}
    )
    for kind in all_kinds():
        if kind.name == held.kind:
            kind.learn_rating(held)
    data = {"by": str(membership.user), "value": value, "comment": comment}
    emit_events(held, [RunEvent(kind=EventKind.RUN_RATED, data=data)])
    return rating
