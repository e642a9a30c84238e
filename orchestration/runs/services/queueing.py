"""Queueing ids at the broker. The sweeper queues a run again whose message got lost."""

from __future__ import annotations

import logging
from functools import partial
from uuid import UUID

from kombu.exceptions import OperationalError

from orchestra_site.celery import app
from orchestra_site.web.logs import ThrottledWarning

_AWAY = ThrottledWarning(
    logging.getLogger(__name__),
    "The broker is away (%s); runs wait until the sweeper queues them again.",
)

EXECUTE_RUN = "orchestration.runs.execute_run"
CONFIRMED_WITHIN_S = 2.5
"""How long RabbitMQ may take to say that it has a message."""


def queue_task(name: str, subject: UUID) -> bool:
    """Queue a task about the row with this id; False when the broker is away and nothing is queued."""
    try:
        app.send_task(name, args=[str(subject)], retry=False, confirm_timeout=CONFIRMED_WITHIN_S)
    except _broker_errors() as error:
        _AWAY.warn(error)
        return False
    return True


queue_run = partial(queue_task, EXECUTE_RUN)
"""Queue a run for a worker; False when the broker is away and the run waits for the sweeper."""


def _broker_errors() -> tuple[type[BaseException], ...]:
    """Return what goes wrong with a broker: the library of each kind has errors of its own."""
    broker = app.connection_for_write()
    return (OperationalError, *broker.connection_errors, *broker.channel_errors)
