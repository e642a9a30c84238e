"""Reads off the event loop."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest
from django.db import connection

from orchestra_site.accounts.models import Team
from orchestra_site.web.threads import in_thread

WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


async def test_work_runs_elsewhere_with_the_callers_context() -> None:
    WHO.set("Ada")
    thread, who = await in_thread(lambda: (threading.current_thread().name, WHO.get()))
    assert thread.startswith("reads")
    assert who == "Ada"


async def test_an_error_comes_back_to_the_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await in_thread(int, "no number")


@pytest.mark.django_db(transaction=True)
async def test_a_read_leaves_no_connection_open() -> None:
    await Team.objects.acreate(name="Readers")
    assert await in_thread(lambda: Team.objects.get().name) == "Readers"
    assert await in_thread(lambda: connection.connection) is None
