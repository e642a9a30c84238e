"""Definitions that a team saves, publishes in versions and starts by triggers, of any kind."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """The library of a team's definitions; higher apps register what kinds there are."""

    name = "orchestration.library"

    def ready(self) -> None:
        """Register what starts runs at set times, whose module imports models."""
        from orchestration.library.services.triggers import TriggerSchedule  # noqa: PLC0415
        from orchestration.runs.services.sweeping import SCHEDULES  # noqa: PLC0415

        SCHEDULES.append(TriggerSchedule())
