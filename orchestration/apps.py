"""Orchestration: ask several models and combine their answers."""

from django.apps import AppConfig

from orchestra_site.web.health import register_check


class OrchestrationConfig(AppConfig):
    """Runs, providers, models and strategies."""

    name = "orchestration"

    def ready(self) -> None:
        """Register the run kind `strategy` and the check of providers: their models are there only now."""
        from orchestration.llm.selectors import register_call_records  # noqa: PLC0415
        from orchestration.llm.services.health import providers  # noqa: PLC0415
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.runs.selectors.call_records import call_records  # noqa: PLC0415
        from orchestration.strategies.parts.strategy_page import StrategyPage  # noqa: PLC0415
        from orchestration.strategies.services.strategy_runs import StrategyKind  # noqa: PLC0415

        register(StrategyKind(), StrategyPage())
        register_call_records(call_records)
        register_check("providers", providers)
