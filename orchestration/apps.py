"""Orchestration: ask several models and combine their answers."""

from django.apps import AppConfig


class OrchestrationConfig(AppConfig):
    """Runs, providers, models and strategies."""

    name = "orchestration"
