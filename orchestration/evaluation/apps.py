"""Strategies measured on data."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    """Evaluations over recorded answers, and the run kind `evaluation`."""

    name = "orchestration.evaluation"

    def ready(self) -> None:
        """Register the kind of run and its page."""
        from orchestration.evaluation.parts.results import EvaluationPage  # noqa: PLC0415  # models must be there first
        from orchestration.evaluation.services.evaluation_runs import EvaluationKind  # noqa: PLC0415  # as above
        from orchestration.runs.kinds import register  # noqa: PLC0415  # as above
        from orchestration.strategies.kinds import MethodPage, register_method_page  # noqa: PLC0415  # as above

        register(EvaluationKind(), EvaluationPage())
        register_method_page(MethodPage(title="Evaluations", icon="chart-bar", view="evaluation:list"))
        register_method_page(MethodPage(title="Datasets", icon="file-text", view="evaluation:datasets"))
        register_method_page(MethodPage(title="Belief", icon="brain", view="evaluation:belief"))
