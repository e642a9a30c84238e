"""Routing: the choice of the method that answers, by rules and by what was learned."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """The run kind `auto`, and the rule sets that it goes by."""

    name = "orchestration.routing"

    def ready(self) -> None:
        """Register the kind of runs and that of definitions, and fill the slot of Ask."""
        from orchestration.library.kinds import register_definitions  # noqa: PLC0415
        from orchestration.routing.parts.auto_page import AutoPage  # noqa: PLC0415
        from orchestration.routing.parts.preview import AUTO_METHOD  # noqa: PLC0415
        from orchestration.routing.selectors import RULES  # noqa: PLC0415
        from orchestration.routing.services.auto_runs import AutoKind  # noqa: PLC0415
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.strategies.kinds import (  # noqa: PLC0415
            MethodPage,
            register_first_method,
            register_method_page,
        )

        register(AutoKind(), AutoPage())
        register_definitions(RULES)
        register_first_method(AUTO_METHOD)
        register_method_page(MethodPage(title="Routing", icon="route", view="routing:list"))
