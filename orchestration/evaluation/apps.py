"""Strategies measured on data."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    """Evaluations over recorded answers."""

    name = "orchestration.evaluation"
