"""Ways to combine the answers of several models."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Strategies, and the profiles of models."""

    name = "orchestration.strategies"

    def ready(self) -> None:
        """Register the run kind and its page, whose modules import models."""
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.strategies.parts.strategy_page import StrategyPage  # noqa: PLC0415
        from orchestration.strategies.services.strategy_runs import StrategyKind  # noqa: PLC0415

        register(StrategyKind(), StrategyPage())
