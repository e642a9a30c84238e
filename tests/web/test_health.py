"""Health checks: findings, and a broken check that does not hide the others."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra_site.web.health import (
    HealthFinding,
    Severity,
    fail,
    ok,
    register_check,
    registered_checks,
    run_checks,
    warn,
)


def test_findings_come_under_the_name_of_their_check_in_order() -> None:
    checks = {"first": lambda: [ok("fine"), warn("old", "update")], "second": lambda: [fail("gone", "fix")]}
    assert list(run_checks(checks)) == [
        ("first", HealthFinding(level=Severity.OK, sentence="fine")),
        ("first", HealthFinding(level=Severity.WARN, sentence="old", advice="update")),
        ("second", HealthFinding(level=Severity.FAIL, sentence="gone", advice="fix")),
    ]


def test_a_check_that_breaks_is_a_failure_and_the_others_still_run() -> None:
    def broken() -> Iterator[HealthFinding]:
        yield ok("so far")
        raise ZeroDivisionError("by zero")

    (_, first), (_, second) = run_checks({"broken": broken, "whole": lambda: [ok("fine")]})
    assert first.level is Severity.FAIL
    assert "ZeroDivisionError: by zero" in first.sentence
    assert second.level is Severity.OK


def test_a_registered_check_is_listed() -> None:
    register_check("tests: a check", lambda: [ok("fine")])
    assert "tests: a check" in registered_checks()
