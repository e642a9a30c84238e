"""Orchestration: ask several models and combine their answers."""

from django.apps import AppConfig


class OrchestrationConfig(AppConfig):
    """Runs, providers, models and strategies."""

    name = "orchestration"

    def ready(self) -> None:
        """Make the run kind `strategy` known; its parts need the models, which are there only now."""
        from orchestration.kinds import register  # noqa: PLC0415
        from orchestration.wiring.strategies import STRATEGY  # noqa: PLC0415

        register(STRATEGY)
