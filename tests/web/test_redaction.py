"""Secrets stay out of logs and error pages."""

from __future__ import annotations

import json
import logging
from html import escape
from types import TracebackType
from urllib.parse import quote

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from orchestra_site.web.logs import RedactingFormatter, Redactor, redact, register_secret

CANARY = 'canary/"4f1c\\é'


@pytest.fixture(autouse=True)
def _known() -> None:
    register_secret(CANARY)


@pytest.mark.parametrize(
    "form", [CANARY, escape(CANARY), json.dumps(CANARY), quote(CANARY, safe=""), repr(CANARY)]
)
def test_a_secret_is_replaced_however_it_is_written(form: str) -> None:
    assert "canary" not in redact(f"key={form};")
    assert "[redacted]" in redact(f"key={form};")


def test_text_without_secrets_stays_as_it_is() -> None:
    assert redact("nothing to hide") == "nothing to hide"


def test_short_values_are_not_secrets() -> None:
    redactor = Redactor()
    redactor.register("ollama")
    assert redactor.redact("ollama answered") == "ollama answered"


def test_a_secret_inside_a_longer_one_leaves_nothing_of_the_longer() -> None:
    redactor = Redactor()
    for value in ("abcdefgh", "abcdefgh-and-more", "abcdefgh"):
        redactor.register(value)
    assert redactor.redact("x abcdefgh-and-more y abcdefgh") == "x [redacted] y [redacted]"


def test_arguments_exceptions_and_stacks_are_redacted() -> None:
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "sent %s", (CANARY,), _raised(), sinfo=CANARY)
    line = RedactingFormatter("%(message)s").format(record)
    assert "canary" not in line
    assert line.count("[redacted]") == 3


def test_every_handler_of_the_settings_redacts() -> None:
    formatters = settings.LOGGING["formatters"]
    used = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}
    assert {formatters[name]["()"] for name in used} == {"orchestra_site.web.logs.RedactingFormatter"}


def test_django_keeps_no_handlers_of_its_own() -> None:
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django.server").handlers == []
    assert logging.getLogger("django.server").propagate


def test_the_secret_key_is_known_from_the_start() -> None:
    assert settings.SECRET_KEY not in redact(f"oops {settings.SECRET_KEY}")


def test_error_reports_are_redacted() -> None:
    reporter = import_string(settings.DEFAULT_EXCEPTION_REPORTER)(None, *_raised())
    page, text = reporter.get_traceback_html(), reporter.get_traceback_text()
    assert [form for form in (CANARY, escape(CANARY), repr(CANARY)) if form in page + text] == []
    assert "[redacted]" in page
    assert "[redacted]" in text


def _raised() -> tuple[type[BaseException], BaseException, TracebackType | None]:
    try:
        raise ValueError(CANARY)  # noqa: TRY301
    except ValueError as error:
        return type(error), error, error.__traceback__
