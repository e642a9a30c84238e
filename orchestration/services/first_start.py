"""What an empty installation gets, so that the first question can be asked at once."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from orchestra_site.accounts.services import ensure_demo_team
from orchestration.services.registry import offer_from_environment, seed_simulated


def prepare_installation(*, demo: bool = True) -> list[str]:
    """Bring the database up to date and, where there is nobody yet, make a demo team with models.

    Returns the lines to print: the sign-in is in them this once.
    """
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    if not demo:
        return []
    team, email, password = ensure_demo_team()
    if password is None:
        return []
    offered = offer_from_environment(team)
    seed_simulated(team)
    return [
        "",
        f"A demo team is ready with {offered or 'simulated models'}. Its sign-in is shown only this once:",
        "",
        f"    e-mail    {email}",
        f"    password  {password}",
        "",
    ]
