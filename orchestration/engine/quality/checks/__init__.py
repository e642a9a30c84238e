"""Checks of a single answer, one file each: a pure `check(subject) -> Finding | None`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

MOST_CHARACTERS = 100_000

CHECKS: tuple[Check, ...] = (
    refusal.check,
    truncation.check,
    repetition.check,
    language.check,
    fit.check,
    topic.check,
    contradiction.check,
    hedging.check,
)


def examine(subject: Subject) -> tuple[Finding, ...]:
    """Return what the checks find. There is nothing more to say of an empty answer than that it is."""
    nothing = empty.check(subject)
    if nothing is not None:
        return (nothing,)
    looked_at = replace(subject, text=_excerpt(subject.text))
    findings = [check(looked_at) for check in CHECKS]
    return tuple(finding for finding in (schema.check(subject), *findings) if finding is not None)


def _excerpt(text: str) -> str:
    """Return the beginning and the end of a very long text: checks are to stay quick."""
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]}\n{text[-half:]}"
