"""Reads off the event loop."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest
from django.db import IntegrityError, connection

from orchestra_site.accounts.models import Membership, Team
from orchestra_site.web.threads import close_database_thread, in_database_thread, in_thread

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


@pytest.mark.django_db(transaction=True)
async def test_the_engines_thread_keeps_its_connection_and_opens_another_after_an_error() -> None:
    await in_database_thread(Team.objects.count)
    kept = await in_database_thread(lambda: connection.connection)
    assert kept is not None
    assert await in_database_thread(lambda: connection.connection) is kept
    with pytest.raises(IntegrityError):
        await in_database_thread(Membership.objects.create)
    assert await in_database_thread(lambda: connection.connection) is None
    assert await in_database_thread(Team.objects.count) == 0
    close_database_thread()


@pytest.mark.django_db(transaction=True)
async def test_a_connection_that_went_stale_is_opened_anew() -> None:
    await in_database_thread(Team.objects.count)
    stale = await in_database_thread(lambda: connection.connection)
    await in_database_thread(lambda: setattr(connection, "is_usable", lambda: False))
    assert await in_database_thread(lambda: connection.connection) is not stale
    await in_database_thread(lambda: delattr(connection, "is_usable"))
    close_database_thread()
