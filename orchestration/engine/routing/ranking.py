"""Which models of a panel to ask first for a type of task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orchestration.engine.routing.priors import profile_for
from orchestration.engine.routing.profile import Profile
from orchestration.engine.routing.task_types import TaskType
from orchestration.engine.types import ModelSpec


class Prefer(StrEnum):
    """What matters in the choice of an expert."""

    QUALITY = "quality"
    BALANCED = "balanced"
    CHEAP = "cheap"


COST_COUNTS = {Prefer.QUALITY: 0.0, Prefer.BALANCED: 0.1, Prefer.CHEAP: 0.4}
"""What the dearest model of the panel loses of its expected quality; others lose in proportion."""
DIGITS = 2
"""Scores that are equal to so many digits tie: no estimate is better than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A model with its profile and score (expected quality less what its cost takes away)."""

    model: str
    profile: Profile
    score: float


def rank(specs: Sequence[ModelSpec], task: TaskType, prefer: Prefer) -> tuple[Ranked, ...]:
    """Return the models, best first; ties go by cost, seconds, and their order in `specs`.

    A model without a price counts as dear as the mean of the others, and as dearer than any in a tie.
    """
    profiles = [profile_for(spec, task) for spec in specs]
    known = [profile.cost_usd for profile in profiles if profile.cost_usd is not None]
    mean = sum(known, Decimal(0)) / len(known) if known else Decimal(0)
    dearest = max(known, default=Decimal(0)) or Decimal(1)
    ranked = []
    for spec, profile in zip(specs, profiles, strict=True):
        share = float((mean if profile.cost_usd is None else profile.cost_usd) / dearest)
        score = profile.expected - COST_COUNTS[prefer] * share
        ranked.append(
            Ranked(model=spec.name, profile=profile, score=round(min(max(score, 0.0), 1.0), DIGITS))
        )
    return tuple(sorted(ranked, key=_place))


def _place(ranked: Ranked) -> tuple[float, bool, Decimal, float]:
    cost = ranked.profile.cost_usd
    return (-ranked.score, cost is None, cost or Decimal(0), ranked.profile.seconds)
