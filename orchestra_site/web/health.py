"""Health checks of an installation: apps register them at start, the command `doctor` runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.core.checks import Error, Tags, register
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


class Severity(StrEnum):
    """The severity of a finding. Only FAIL makes `doctor` exit with status 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthFinding:
    """The result of one check: a sentence about its state and, where needed, advice."""

    level: Severity
    sentence: str
    advice: str = ""


def ok(sentence: str) -> HealthFinding:
    """Return a finding that needs no action."""
    return HealthFinding(level=Severity.OK, sentence=sentence)


def warn(sentence: str, advice: str) -> HealthFinding:
    """Return a finding that can wait."""
    return HealthFinding(level=Severity.WARN, sentence=sentence, advice=advice)


def fail(sentence: str, advice: str) -> HealthFinding:
    """Return a finding that prevents Orchestra from working."""
    return HealthFinding(level=Severity.FAIL, sentence=sentence, advice=advice)


Check = Callable[[], Iterable[HealthFinding]]

_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """Let `doctor` run `check` under the heading `name`; a later one of the same name replaces it."""
    _checks[name] = check


def registered_checks() -> Mapping[str, Check]:
    """Return the checks of the apps, in the order of registration."""
    return dict(_checks)


def run_checks(checks: Mapping[str, Check]) -> Iterator[tuple[str, HealthFinding]]:
    """Yield the findings of each check under its name. A check that raises is a finding itself."""
    for name, check in checks.items():
        try:
            findings = list(check())
        except Exception as error:  # noqa: BLE001  # the outer edge of a check: the others must still run
            findings = [
                fail(f"The check itself broke: {type(error).__name__}: {error}", "Report this as a bug.")
            ]
        for finding in findings:
            yield name, finding


EARLIER_VERSION = (
    "This database was made by an earlier version of Orchestra and cannot be brought up to date."
)
EARLIER_ADVICE = (
    "Move the data folder away, or name a new database in ORCHESTRA_DATABASE_URL, and start again."
)
_EARLIER_TABLE = "orchestration_run"


def is_of_earlier_version(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a database dates from before runs, models and strategies were apps of their own."""
    return _EARLIER_TABLE in connection.introspection.table_names()


@register(Tags.database)
def refuse_earlier_version(databases: Sequence[str] | None, **_: object) -> list[Error]:
    """Refuse databases of an earlier version; `migrate` runs this before it changes anything."""
    return [
        Error(EARLIER_VERSION, hint=EARLIER_ADVICE, obj=alias, id="orchestra.E001")
        for alias in databases or ()
        if is_of_earlier_version(connections[alias])
    ]
