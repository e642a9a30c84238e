"""Checks of a single answer, one file each: a pure `check(subject) -> Finding | None`."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.engine.quality.checks import (
    contradiction,
    empty,
    fit,
    hedging,
    language,
    refusal,
    repetition,
    schema,
    topic,
    truncation,
)
from orchestration.engine.quality.evidence import Finding, Subject

Check = Callable[[Subject], Finding | None]

CHECKS: tuple[Check, ...] = (
    refusal.check,
    truncation.check,
    repetition.check,
    language.check,
    fit.check,
    schema.check,
    topic.check,
    contradiction.check,
    hedging.check,
)


def examine(subject: Subject) -> tuple[Finding, ...]:
    """Return what the checks find. There is nothing more to say of an empty answer than that it is."""
    nothing = empty.check(subject)
    if nothing is not None:
        return (nothing,)
    return tuple(finding for check in CHECKS if (finding := check(subject)) is not None)
