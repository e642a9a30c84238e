"""Error pages, which need neither database nor session, and Django's error report without secrets."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter

from orchestra_site.web.logs import redact

DATABASE_AWAY = (OperationalError, InterfaceError)
"""What Django raises while the database is locked, full or unreachable."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Say that the request is not valid."""
    return _error_page(request, HTTPStatus.BAD_REQUEST, "This request is not valid", "Go back and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say why this is not allowed, in the sentence of the exception."""
    words = str(exception) or "Your role does not allow this. Ask an owner or admin of the team."
    return _error_page(request, HTTPStatus.FORBIDDEN, "You cannot do this", words)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Say that there is nothing here, or nothing for this team."""
    words = "It may have been deleted, or belong to another team. Check the address, or switch the team."
    return _error_page(request, HTTPStatus.NOT_FOUND, "There is nothing here", words)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that this is the server's fault, or that the database is locked, full or unreachable."""
    if not isinstance(sys.exception(), DATABASE_AWAY):
        words = (
            "The server failed; its log has the details. Try again; runs that were started before continue."
        )
        return _error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here", words)
    words = (
        "It is locked, full or unreachable; the server's log says which. Nothing of this was stored. Send it"
        " again in a moment; runs that were started before continue."
    )
    response = _error_page(
        request, HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer right now", words
    )
    response["Retry-After"] = "10"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  # Django's signature
    """Say what to do about a form whose CSRF token is no longer valid."""
    words = "The page was open for long, or you signed in elsewhere. Reload it and send it again."
    return _error_page(request, HTTPStatus.FORBIDDEN, "This form is out of date", words)


def _error_page(request: HttpRequest, status: HTTPStatus, title: str, words: str) -> HttpResponse:
    """Answer htmx with one plain sentence, everyone else with a page."""
    if "HX-Request" in request.headers:
        return HttpResponse(f"{title}. {words}", status=status, content_type="text/plain; charset=utf-8")
    context = {"status": status.value, "title": title, "words": words}
    return HttpResponse(render_to_string("errors/error.html", context), status=status)


class RedactingReporter(ExceptionReporter):
    """Django's report of an exception, which prints local variables, with known secrets redacted."""

    def get_traceback_html(self) -> SafeString:
        """Return the report as a page."""
        return mark_safe(redact(super().get_traceback_html()))  # noqa: S308  # escaped before it was redacted

    def get_traceback_text(self) -> SafeString:
        """Return the report as plain text."""
        return mark_safe(redact(super().get_traceback_text()))  # noqa: S308  # plain text, sent as such
