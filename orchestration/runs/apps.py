"""Durable runs of any kind."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """Runs and what happens in them."""

    name = "orchestration.runs"

    def ready(self) -> None:
        """Register what needs the models, which are there only now."""
        from orchestration.llm.selectors import register_call_records  # noqa: PLC0415
        from orchestration.runs.selectors.call_records import call_records  # noqa: PLC0415
        from orchestration.runs.selectors.tool_records import tool_records  # noqa: PLC0415
        from orchestration.tools.selectors import register_tool_records  # noqa: PLC0415

        register_call_records(call_records)
        register_tool_records(tool_records)
