"""Ways to combine the answers of several models."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Strategies, and the profiles of models."""

    name = "orchestration.strategies"

    def ready(self) -> None:
        """Register the kinds of runs and of definitions, whose modules import models."""
        from orchestration.library.kinds import register_definitions  # noqa: PLC0415
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.strategies.parts.strategy_page import PresetPage, StrategyPage  # noqa: PLC0415
        from orchestration.strategies.selectors import PRESETS  # noqa: PLC0415
        from orchestration.strategies.services.presets import PresetKind  # noqa: PLC0415
        from orchestration.strategies.services.strategy_runs import StrategyKind  # noqa: PLC0415

        register(StrategyKind(), StrategyPage())
        register(PresetKind(), PresetPage())
        register_definitions(PRESETS)
