"""Pipelines: stages that people compose, publish and run."""

from django.apps import AppConfig


class PipelinesConfig(AppConfig):
    """Saved pipelines and their runs."""

    name = "pipelines"
