"""What an installation can say about its health: apps register checks at start, `doctor` runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. Only FAIL makes `doctor` exit 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at: a sentence that says how it is and, where needed, what to do about it."""

    level: Level
    sentence: str
    advice: str = ""


def ok(sentence: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(level=Level.OK, sentence=sentence)


def warn(sentence: str, advice: str) -> Finding:
    """Return a finding that can wait."""
    return Finding(level=Level.WARN, sentence=sentence, advice=advice)


def fail(sentence: str, advice: str) -> Finding:
    """Return a finding that keeps Orchestra from working."""
    return Finding(level=Level.FAIL, sentence=sentence, advice=advice)


Check = Callable[[], Iterable[Finding]]

_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """Have `doctor` run `check` under the heading `name`; a later one of the same name takes its place."""
    _checks[name] = check


def registered_checks() -> Mapping[str, Check]:
    """Return what the apps have registered, in the order in which they did."""
    return dict(_checks)


def run_checks(checks: Mapping[str, Check]) -> Iterator[tuple[str, Finding]]:
    """Yield what each check finds under its name. A check that breaks is a finding, not the end."""
    for name, check in checks.items():
        try:
            findings = list(check())
        except Exception as error:  # noqa: BLE001  # the outer edge of a check: the others must still run
            findings = [
                fail(f"The check itself broke: {type(error).__name__}: {error}", "Report this as a bug.")
            ]
        for finding in findings:
            yield name, finding
