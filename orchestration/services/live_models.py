"""The models of a frozen run, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from orchestra_site.web.threads import in_database_thread
from orchestration.engine.context import RunContext
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.strategy import Panel
from orchestration.kinds import FrozenRun
from orchestration.wiring.credentials import frozen_secrets
from orchestration.wiring.panel import build_panel
from orchestration.wiring.resources import resources


async def live_panel(run: FrozenRun, context: RunContext) -> Panel:
    """Return the run's panel; a model whose provider is gone fails with words when it is asked."""
    providers = {UUID(entry["provider"]): entry["base_url"] for entry in run.panel}
    return build_panel(
        run.panel,
        secrets=await in_database_thread(frozen_secrets, run.team, providers),
        shared=resources(),
        scope=str(run.team),
        seed=run.seed,
        time_left=context.time_left,
    )


async def live_models(run: FrozenRun, context: RunContext) -> Mapping[str, ChatModel]:
    """Return the run's models by name."""
    panel = await live_panel(run, context)
    return {model.spec.name: model for model in (*panel.members, *panel.helpers.values())}
