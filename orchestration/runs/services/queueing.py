"""Queueing run ids at the broker. The sweeper queues a run again whose message got lost."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Command, HumanQuestion, Run, RunStatus
from orchestration.runs.services import commands

logger = logging.getLogger(__name__)

EXECUTE_RUN = "orchestration.runs.execute_run"


def queue_run(run_id: UUID) -> bool:
    """Queue a run for a worker; False when the broker is away and the run waits for the sweeper."""
    try:
        current_app.send_task(EXECUTE_RUN, args=[str(run_id)], retry=False)
    except _broker_errors() as error:
        logger.warning("The broker is away (%s); run %s waits for the sweeper.", error, run_id)
        return False
    return True


def _broker_errors() -> tuple[type[BaseException], ...]:
    """Return what goes wrong with a broker: the library of each kind has errors of its own."""
    broker = current_app.connection_for_write()
    return (OperationalError, *broker.connection_errors, *broker.channel_errors)


def answer_question(*, membership: Membership, question: HumanQuestion, answer: Json) -> None:
    """Store a person's answer and let the run go on. Raises `InvalidRequest` when it comes too late."""
    if commands.store_answer(membership=membership, question=question, answer=answer):
        transaction.on_commit(partial(queue_run, question.run_id))


def send_message(*, membership: Membership, run: Run, payload: Json, check: commands.MessageCheck) -> Command:
    """Store a member's message and let a run that waited for it go on. Raises `InvalidRequest`."""
    command = commands.send_message(membership=membership, run=run, payload=payload, check=check)
    if command.run.status == RunStatus.QUEUED:
        transaction.on_commit(partial(queue_run, run.id))
    return command


def resume_run(*, membership: Membership, run: Run) -> None:
    """Let a paused run go on."""
    if commands.resume_run(membership=membership, run=run):
        transaction.on_commit(partial(queue_run, run.id))
