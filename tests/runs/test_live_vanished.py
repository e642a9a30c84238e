"""A browser that goes away while it is sent something: one line in the log, and the socket ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from orchestra_site.asgi import application
from orchestra_site.web.threads import in_thread
from tests.support.history import a_member, signed_in
from tests.support.run_rows import RunRows
from tests.support.sockets import communicator_for

pytestmark = pytest.mark.django_db(transaction=True)


def _scope() -> dict[str, Any]:
    member = a_member()
    rows = RunRows.queued(member, "sim-swift")
    rows.start()
    return dict(communicator_for(f"/ws/runs/{rows.run.pk}/?after=0", signed_in(member)).scope)


async def _drive(scope: dict[str, Any], failure: Exception) -> None:
    """Serve a socket whose connection is closed when the first message is sent."""
    closed = asyncio.Event()
    events = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        if events:
            return events.pop()
        await closed.wait()
        await asyncio.sleep(0.05)
        return {"type": "websocket.disconnect", "code": 1006, "reason": None}

    async def send(event: dict[str, Any]) -> None:
        if event["type"] != "websocket.accept":
            closed.set()
            raise failure

    async with asyncio.timeout(20):
        await application(scope, receive, send)


@pytest.mark.parametrize("failure", [RuntimeError("the connection is closed"), BrokenPipeError("gone")])
async def test_a_browser_that_went_away_logs_no_traceback(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    scope = await in_thread(_scope)
    with caplog.at_level(logging.INFO, "orchestration.runs"):
        await _drive(scope, failure)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert len([record for record in caplog.records if "went away" in record.message]) <= 1
