"""The doorbells: the broker that hands runs to workers, the layer that wakes live pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from asgiref.sync import async_to_sync
from celery import Celery
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from orchestra_site.web.health import Finding, fail, ok, warn

PATIENCE_S = 3.0
IN_PROCESS = "memory://"


def broker() -> Iterator[Finding]:
    """Connect to the broker and ask who works for it."""
    if settings.CELERY_BROKER_URL.startswith(IN_PROCESS):
        yield ok("Runs are handed over inside the process (embedded).")
        return
    app = Celery("doctor", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    with app.connection_for_write(connect_timeout=PATIENCE_S) as connection:
        try:
            connection.connect()
        except connection.connection_errors as error:
            yield fail(
                f"The broker cannot be reached: {error}", "Check ORCHESTRA_BROKER_URL or ORCHESTRA_REDIS_URL."
            )
            return
        yield ok("The broker answers.")
        workers = app.control.ping(timeout=1.0, connection=connection)
    if workers:
        yield ok(f"{len(workers)} workers answer.")
    else:
        yield warn(
            "No worker answers: runs stay queued.",
            "Start one: celery -A orchestra_site worker --pool threads",
        )


def channel_layer() -> Iterator[Finding]:
    """Send a message through the channel layer and wait for it."""
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        yield ok("Live pages are woken inside the process (embedded).")
        return
    try:
        async_to_sync(_round_trip)(layer)
    except (OSError, RedisError, TimeoutError) as error:
        yield fail(f"The channel layer does not pass messages on: {error}", "Check ORCHESTRA_REDIS_URL.")
    else:
        yield ok("The channel layer passes messages on.")


async def _round_trip(layer: BaseChannelLayer) -> None:
    async with asyncio.timeout(PATIENCE_S):
        channel = await layer.new_channel()
        await layer.send(channel, {"type": "doctor.ping"})
        await layer.receive(channel)
