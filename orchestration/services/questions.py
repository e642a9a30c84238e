"""People's answers to the questions of runs."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.events import Event, EventKind
from orchestration.engine.types import Json
from orchestration.models import Command, CommandKind, HumanQuestion, Run, RunStatus
from orchestration.services.events import tell
from orchestration.services.recording import QueueReason
from orchestration.services.sweeping import wake_run


@transaction.atomic
def store_answer(*, membership: Membership, question: HumanQuestion, answer: Json) -> bool:
    """Keep a person's answer; True when it put the run back into the queue.

    Raises `InvalidRequest` when the question was answered already, is for others, or its run is over.
    """
    run = Run.objects.visible_to(membership).select_for_update().get(id=question.run_id)
    if run.is_over:
        raise InvalidRequest(f"The run that asked this is over: it {run.status}.")
    if not question.may_be_answered_by(membership):
        raise InvalidRequest(question.answerable_by or "Viewers cannot answer.")
    open_question = HumanQuestion.objects.filter(id=question.id, run=run, answered_at__isnull=True)
    if not open_question.update(answer=answer, answered_at=timezone.now(), answered_by=membership.user):
        raise InvalidRequest("Somebody has answered this question already.")
    data = {"question": str(question.id), "by": str(membership.user)}
    tell(run, [Event(kind=EventKind.QUESTION_ANSWERED, step=question.step, data=data)])
    if run.status == RunStatus.RUNNING:
        payload = {"step": question.step, "answer": answer}
        Command.objects.create(run=run, kind=CommandKind.ANSWER, by=membership.user, payload=payload)
    return wake_run(run.id, QueueReason.ANSWERED)
