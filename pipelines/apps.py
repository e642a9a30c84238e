"""Pipelines: stages that people compose, publish and run."""

from django.apps import AppConfig


class PipelinesConfig(AppConfig):
    """Saved pipelines and their runs."""

    name = "pipelines"

    def ready(self) -> None:
        """Register the run kind and what starts its runs, whose modules import models."""
        from orchestration.runs.kinds import register  # noqa: PLC0415
        from orchestration.runs.services.sweeping import SCHEDULES  # noqa: PLC0415
        from pipelines.parts.pipeline_page import PipelinePage  # noqa: PLC0415
        from pipelines.services.pipeline_runs import PipelineKind  # noqa: PLC0415
        from pipelines.services.triggers import TriggerSchedule  # noqa: PLC0415

        register(PipelineKind(), PipelinePage())
        SCHEDULES.append(TriggerSchedule())
