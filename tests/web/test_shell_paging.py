"""Keyset pages: nothing twice, nothing skipped."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.http import Http404
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestra_site.accounts.models import AuditEntry, Team
from orchestra_site.web.pages import Page, keyset_page

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def some_teams(minutes: list[int]) -> list[Team]:
    return [
        Team.objects.create(name=str(n), created_at=NOON + timedelta(minutes=m))
        for n, m in enumerate(minutes)
    ]


def forwards(size: int) -> list[Page[Team]]:
    pages = [keyset_page(Team.objects.all(), cursor="", size=size)]
    while pages[-1].next:
        pages.append(keyset_page(Team.objects.all(), cursor=pages[-1].next, size=size))
    return pages


@hypothesis_settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(minutes=st.lists(st.integers(0, 3), max_size=9), size=st.integers(1, 4))
def test_pages_hold_every_row_once_in_order_even_with_equal_times(minutes: list[int], size: int) -> None:
    Team.objects.all().delete()
    some_teams(minutes)
    rows = [row.pk for page in forwards(size) for row in page.rows]
    assert rows == list(Team.objects.order_by("-created_at", "-id").values_list("pk", flat=True))


def test_going_back_gives_the_page_one_came_from() -> None:
    some_teams(list(range(9)))
    first, second, third = forwards(3)
    assert keyset_page(Team.objects.all(), cursor=third.previous, size=3).rows == second.rows
    assert keyset_page(Team.objects.all(), cursor=second.previous, size=3) == first
    assert (first.previous, third.next) == ("", "")


def test_rows_that_come_in_meanwhile_shift_nothing() -> None:
    some_teams(list(range(6)))
    first = keyset_page(Team.objects.all(), cursor="", size=3)
    second = keyset_page(Team.objects.all(), cursor=first.next, size=3)
    some_teams([99])
    assert keyset_page(Team.objects.all(), cursor=first.next, size=3).rows == second.rows


def test_one_key_is_enough_for_a_numbered_table() -> None:
    team = some_teams([0])[0]
    for n in range(3):
        AuditEntry.objects.create(team=team, actor_name="a", action="x.y", subject=str(n))
    first = keyset_page(AuditEntry.objects.all(), cursor="", size=2, keys=("id",))
    second = keyset_page(AuditEntry.objects.all(), cursor=first.next, size=2, keys=("id",))
    assert [entry.subject for entry in (*first.rows, *second.rows)] == ["2", "1", "0"]


@pytest.mark.parametrize(
    "cursor", ["x", "!!", "bnVsbA", "WyJvIiwgIngiLCAieSJd", "WyJvIl0", "W10", "é", "WyJ4Il0"]
)
def test_a_cursor_that_no_page_gave_is_not_found(cursor: str) -> None:
    with pytest.raises(Http404):
        keyset_page(Team.objects.all(), cursor=cursor)


def test_a_number_beyond_what_the_table_holds_finds_nothing_and_breaks_nothing() -> None:
    cursor = base64.urlsafe_b64encode(b'["o", "999999999999999999999999"]').decode().rstrip("=")
    assert keyset_page(AuditEntry.objects.all(), cursor=cursor, keys=("id",)).rows == []
