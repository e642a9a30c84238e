"""What a run keeps of its models, and how that becomes models that can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from random import Random
from uuid import UUID

from orchestration.engine.context.codec import plain
from orchestration.engine.context.metering import Metered
from orchestration.engine.model import ChatModel
from orchestration.engine.resilience.attempts import Limited, Retrying, RetryPolicy
from orchestration.engine.resilience.caching import Cached
from orchestration.engine.resilience.circuit import CircuitBroken
from orchestration.engine.routing.profiles import expectation
from orchestration.engine.routing.task_types import Profile, TaskType
from orchestration.engine.strategies.strategy import Panel
from orchestration.engine.types import Capability, Json, ModelSpec, Prices, Tier
from orchestration.models import LanguageModel
from orchestration.providers.adapter import ProviderAccess, Unavailable
from orchestration.wiring.provider_kinds import provider_adapter
from orchestration.wiring.resources import Resources


class PanelRole(StrEnum):
    """What a frozen model does in a run: answer, or help (judge, aggregate)."""

    MEMBER = "member"
    HELPER = "helper"


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenModel:
    """One entry of a run's panel, without the key: that is read when the run is executed."""

    spec: ModelSpec
    role: PanelRole
    model: UUID
    provider: UUID
    kind: str
    base_url: str
    timeout_s: float
    max_concurrency: int


def freeze(model: LanguageModel, role: PanelRole) -> dict[str, Json]:
    """Return a model's row, with what is known of its results, as the plain JSON of a panel entry."""
    spec = model_spec(model)
    frozen = FrozenModel(
        spec=replace(spec, profiles=model_profiles(model, spec)),
        role=role,
        model=model.id,
        provider=model.provider_id,
        kind=model.provider.kind,
        base_url=model.provider.base_url,
        timeout_s=model.timeout_s,
        max_concurrency=model.max_concurrency,
    )
    entry: dict[str, Json] = plain(frozen)
    return entry


def thaw(entry: Mapping[str, Json]) -> FrozenModel:
    """Return the frozen model that `freeze` stored."""
    stored = dict(entry["spec"])
    prices = stored.pop("prices")
    spec = ModelSpec(
        **{
            **stored,
            "prices": None
            if prices is None
            else Prices(**{name: Decimal(usd) for name, usd in prices.items()}),
            "capabilities": frozenset(map(Capability, stored["capabilities"])),
            "tier": Tier(stored["tier"]),
            "profiles": tuple(map(_profile, stored.get("profiles", ()))),
        }
    )
    ids = {"model": UUID(entry["model"]), "provider": UUID(entry["provider"])}
    return FrozenModel(**{**entry, **ids, "spec": spec, "role": PanelRole(entry["role"])})


def _profile(stored: Mapping[str, Json]) -> Profile:
    cost = stored["cost_usd"]
    known = {"task": TaskType(stored["task"]), "cost_usd": None if cost is None else Decimal(cost)}
    return Profile(**{**stored, **known})


def model_profiles(model: LanguageModel, spec: ModelSpec) -> tuple[Profile, ...]:
    """Return what to expect of a model by its results, for each type of task it was given."""
    rows = sorted(model.profiles.all(), key=lambda row: row.task)
    return tuple(expectation(spec, TaskType(row.task), row.evidence) for row in rows)


def model_spec(model: LanguageModel) -> ModelSpec:
    """Return a row as the engine's spec, with today's price."""
    known = {capability.value for capability in Capability}
    return ModelSpec(
        name=model.name,
        provider=model.provider.name,
        remote_name=model.remote_name,
        family=model.family,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        prices=model.prices_today(),
        capabilities=frozenset(Capability(name) for name in model.capabilities if name in known),
        tier=Tier(model.tier),
    )


def build_panel(
    entries: Iterable[Mapping[str, Json]],
    *,
    secrets: Mapping[UUID, str | None],
    shared: Resources,
    scope: str,
    seed: int,
    time_left: Callable[[], float | None],
) -> Panel:
    """Return the live panel of a run.

    `secrets` holds each provider's key, None where it has none; the models of a provider that is not in it
    raise `ModelUnavailable`. `scope` keeps the answers of different teams apart in the cache.
    """
    members: list[ChatModel] = []
    helpers: dict[str, ChatModel] = {}
    for frozen in map(thaw, entries):
        model = _wrapped(_bare(frozen, secrets, shared, seed), frozen, shared, scope, seed, time_left)
        if frozen.role is PanelRole.MEMBER:
            members.append(model)
        else:
            helpers[frozen.spec.name] = model
    return Panel(members=tuple(members), helpers=helpers)


def _wrapped(
    bare: ChatModel,
    frozen: FrozenModel,
    shared: Resources,
    scope: str,
    seed: int,
    time_left: Callable[[], float | None],
) -> ChatModel:
    """Stack the wrappers, inside out (the one place where they are)."""
    model: ChatModel = Metered(bare)
    model = CircuitBroken(model, shared.circuit(frozen.model))
    model = Limited(model, shared.limiter(frozen.model, frozen.max_concurrency))
    jitter = Random(f"{seed}/{frozen.spec.name}")  # noqa: S311  # spreads retries, guards nothing
    model = Retrying(model, RetryPolicy(), sleep=asyncio.sleep, random=jitter, time_left=time_left)
    return model if shared.cache is None else Cached(model, shared.cache, scope=scope)


def _bare(frozen: FrozenModel, secrets: Mapping[UUID, str | None], shared: Resources, seed: int) -> ChatModel:
    """Return the provider's own model, which keeps the deadlines of its calls."""
    if frozen.provider not in secrets:
        gone = f"{frozen.spec.provider} was removed, disabled or moved since, or its key cannot be read."
        return Unavailable(frozen.spec, gone)
    access = ProviderAccess(
        client=shared.client,
        base_url=frozen.base_url,
        api_key=secrets[frozen.provider],
        provider=frozen.provider,
    )
    deadlines = shared.deadlines.within(frozen.timeout_s)
    return provider_adapter(frozen.kind).model(frozen.spec, access, deadlines, seed=seed)
