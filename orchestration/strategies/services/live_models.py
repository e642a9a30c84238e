"""The models of a frozen run, ready to be asked, with what results have shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from orchestra_site.web.threads import in_database_thread
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Json, ModelSpec, plain
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.credentials import frozen_secrets
from orchestration.llm.services.panel import ModelStack, PanelRole, freeze, model_spec, thaw
from orchestration.llm.services.resources import resources
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.kinds import FrozenRun
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Profile, expectation
from orchestration.strategies.engine.strategy import Panel


async def live_models(run: FrozenRun, context: RunContext) -> Mapping[str, ChatModel]:
    """Return the run's models by name; one whose provider is gone fails with words when it is asked."""
    providers = {UUID(entry["provider"]): entry["base_url"] for entry in run.panel}
    stack = ModelStack(
        secrets=await in_database_thread(frozen_secrets, run.team, providers),
        shared=resources(),
        scope=str(run.team),
        seed=run.seed,
        time_left=context.time_left,
        meter=Metered,
    )
    return {frozen.spec.name: stack.live(frozen) for frozen in map(thaw, run.panel)}


async def live_panel(run: FrozenRun, context: RunContext) -> Panel:
    """Return the run's panel: members in order, helpers by name. Raises `InvalidRequest`."""
    models = await live_models(run, context)
    roles = [(entry["spec"]["name"], entry["role"]) for entry in run.panel]
    return Panel(
        members=tuple(models[name] for name, role in roles if role == PanelRole.MEMBER),
        helpers={name: models[name] for name, role in roles if role == PanelRole.HELPER},
        profiles={entry["spec"]["name"]: _profiles(entry) for entry in run.panel},
    )


def profiled_entry(model: LanguageModel, role: PanelRole) -> dict[str, Json]:
    """Return a frozen model with what its results let one expect of it; `profiles` are prefetched."""
    profiles: Json = plain(model_profiles(model, model_spec(model)))
    return {**freeze(model, role), "profiles": profiles}


def model_profiles(model: LanguageModel, spec: ModelSpec) -> tuple[Profile, ...]:
    """Return what to expect of a model by its results, for each type of task it was given."""
    rows = sorted(model.profiles.all(), key=lambda row: row.task)
    return tuple(expectation(spec, TaskType(row.task), row.evidence) for row in rows)


def _profiles(entry: Mapping[str, Json]) -> Sequence[Profile]:
    return [_profile(stored) for stored in entry.get("profiles", ())]


def _profile(stored: Mapping[str, Json]) -> Profile:
    cost = stored["cost_usd"]
    known = {"task": TaskType(stored["task"]), "cost_usd": None if cost is None else Decimal(cost)}
    return Profile(**{**stored, **known})
