"""Collaboration: sessions, in which models and people solve a task together."""

from django.apps import AppConfig


class CollaborationConfig(AppConfig):
    """The sessions of teams, and the line-ups that they are started with."""

    name = "collaboration"

    def ready(self) -> None:
        """Register the kind of runs and that of definitions, whose modules import models."""
        from collaboration.parts.session_page import SessionPage  # noqa: PLC0415
        from collaboration.selectors import LINEUPS  # noqa: PLC0415
        from collaboration.services.session_runs import SessionKind  # noqa: PLC0415
        from orchestration.library.kinds import register_definitions  # noqa: PLC0415
        from orchestration.runs.kinds import register  # noqa: PLC0415

        register(SessionKind(), SessionPage())
        register_definitions(LINEUPS)
