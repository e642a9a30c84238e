"""A database of the old shape is refused before anything is changed in it."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from orchestra_site.web.health import EARLIER_ADVICE, EARLIER_VERSION
from orchestration.llm.services.registry.seeding import prepare_installation


@pytest.fixture(autouse=True)
def _old_table(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("create table orchestration_run (id integer primary key)")
        yield
        cursor.execute("drop table orchestration_run")


def test_nothing_is_prepared_on_it() -> None:
    with pytest.raises(CommandError, match=f"{EARLIER_VERSION} {EARLIER_ADVICE}"):
        prepare_installation()


def test_migrate_refuses_it_before_it_changes_anything() -> None:
    before = connection.introspection.table_names()
    with pytest.raises(CommandError, match=EARLIER_VERSION):
        call_command("migrate", skip_checks=False, stdout=StringIO())
    assert connection.introspection.table_names() == before


def test_check_refuses_it_when_it_looks_at_the_database() -> None:
    with pytest.raises(CommandError, match=EARLIER_VERSION):
        call_command("check", databases=["default"])


def test_the_doctor_says_so_instead_of_offering_migrations() -> None:
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", stdout=out)
    assert EARLIER_VERSION in out.getvalue()
    assert "migrations" not in out.getvalue()
