"""Ways to combine the answers of several models."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Strategies, and the record of each model."""

    name = "orchestration.strategies"

    def ready(self) -> None:
        """Register what needs the models, which are there only now."""
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.strategies.parts.strategy_page import StrategyPage  # noqa: PLC0415
        from orchestration.strategies.services.strategy_runs import StrategyKind  # noqa: PLC0415

        register(StrategyKind(), StrategyPage())
