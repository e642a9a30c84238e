"""What a page says when it is our fault, and when it is the database's."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from orchestra_site.web.errors import server_error


def answer_to(fault: Exception, **headers: str) -> HttpResponse:
    try:
        raise fault
    except type(fault):
        return server_error(RequestFactory().get("/", headers=headers))


@pytest.mark.parametrize("fault", [OperationalError("database is locked"), InterfaceError("closed")])
def test_a_database_that_does_not_answer_is_said_so_and_worth_another_try(fault: Exception) -> None:
    answer = answer_to(fault)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "The database does not answer right now" in answer.content.decode()


def test_htmx_hears_it_in_one_sentence() -> None:
    answer = answer_to(OperationalError("database is locked"), HX_Request="true")
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.decode().startswith("The database does not answer right now. It is locked, full")


def test_any_other_error_stays_ours() -> None:
    answer = answer_to(RuntimeError("a secret of the program"))
    assert answer.status_code == 500
    assert "a secret of the program" not in answer.content.decode()
