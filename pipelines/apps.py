"""Pipelines: stages that people compose, publish and run."""

from django.apps import AppConfig


class PipelinesConfig(AppConfig):
    """The pipelines of teams and their runs."""

    name = "pipelines"

    def ready(self) -> None:
        """Register the kind of runs and that of definitions, whose modules import models."""
        from orchestration.library.kinds import register_definitions  # noqa: PLC0415
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from pipelines.parts.pipeline_page import PipelinePage  # noqa: PLC0415
        from pipelines.selectors import PIPELINES  # noqa: PLC0415
        from pipelines.services.pipeline_runs import PipelineKind  # noqa: PLC0415

        register(PipelineKind(), PipelinePage())
        register_definitions(PIPELINES)
