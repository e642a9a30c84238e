"""Background work: fitting the coefficients of a team."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from orchestration.evaluation.services.coefficients import refit_coefficients
from orchestration.strategies.services.profiles import FIT_COEFFICIENTS


@shared_task(name=FIT_COEFFICIENTS)
def fit_coefficients(team: str) -> None:
    """Fit a team's coefficients, if enough questions were graded since and no other worker does."""
    refit_coefficients(UUID(team))
