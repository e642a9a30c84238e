"""What pipelines and models may call."""

from django.apps import AppConfig


class ToolsConfig(AppConfig):
    """Tools: built in, and what a team adds."""

    name = "orchestration.tools"

    def ready(self) -> None:
        """Register whose secrets are encrypted."""
        from orchestration.llm.services.credentials import register_secrets  # noqa: PLC0415
        from orchestration.tools.models import McpServer, ToolCredential  # noqa: PLC0415

        register_secrets(McpServer, ToolCredential)
