"""Models as a run freezes them, and the live models that are made from those."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from random import Random
from uuid import UUID

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.resilience.attempts import Admitted, Retrying, RetryPolicy
from orchestration.llm.engine.resilience.caching import Cached
from orchestration.llm.engine.types import (
    Allowance,
    Capability,
    Json,
    ModelSpec,
    Prices,
    Purpose,
    Tier,
    plain,
)
from orchestration.llm.models import LanguageModel
from orchestration.llm.providers.adapter import ProviderAccess, Unavailable
from orchestration.llm.services.provider_kinds import provider_adapter
from orchestration.llm.services.resources import Resources


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
    """Return a model's row as the plain JSON of a panel entry."""
    frozen = FrozenModel(
        spec=model_spec(model),
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
    """Return the frozen model that `freeze` stored, or an earlier version of it, without allowances."""
    stored = dict(entry["spec"])
    prices, allowances = stored.pop("prices"), stored.pop("allowances", {})
    spec = ModelSpec(
        **{
            **stored,
            "prices": None
            if prices is None
            else Prices(**{name: Decimal(usd) for name, usd in prices.items()}),
            "capabilities": frozenset(map(Capability, stored["capabilities"])),
            "tier": Tier(stored["tier"]),
            "allowances": {Purpose(purpose): Allowance(**each) for purpose, each in allowances.items()},
        }
    )
    ids = {"model": UUID(entry["model"]), "provider": UUID(entry["provider"])}
    columns = {field.name: entry[field.name] for field in fields(FrozenModel)}
    return FrozenModel(**{**columns, **ids, "spec": spec, "role": PanelRole(entry["role"])})


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelStack:
    """What live models are made with, beside the frozen ones.

    `secrets` are the providers' keys, None where it has none; the models of a provider that is not in it
    raise `ModelUnavailable`. `scope` keeps the answers of different teams apart in the cache. `meter` is the
    innermost wrapper: it counts, prices and records each call. `run` is the one that takes turns with others.
    """

    secrets: Mapping[UUID, str | None]
    shared: Resources
    scope: str
    seed: int
    time_left: Callable[[], float | None]
    meter: Callable[[ChatModel], ChatModel]
    run: UUID | None = None

    def live(self, frozen: FrozenModel) -> ChatModel:
        """Return the model with its wrappers, stacked inside out (the one place where they are)."""
        model = self.meter(self._provider_model(frozen))
        limiter = self.shared.limiter(frozen.model, frozen.max_concurrency)
        model = Admitted(model, limiter, self.shared.circuit(frozen.model), self.run)
        jitter = Random(f"{self.seed}/{frozen.spec.name}")  # noqa: S311  # spreads retries, guards nothing
        retry = RetryPolicy()
        model = Retrying(model, retry, sleep=asyncio.sleep, random=jitter, time_left=self.time_left)
        if self.shared.cache is None:
            return model
        return Cached(model, self.shared.cache, scope=self.scope)

    def _provider_model(self, frozen: FrozenModel) -> ChatModel:
        """Return the provider's own model, which keeps the deadlines of its calls."""
        if frozen.provider not in self.secrets:
            reason = (
                f"{frozen.spec.provider} was removed, disabled or moved since, or its key cannot be read."
            )
            return Unavailable(frozen.spec, reason)
        access = ProviderAccess(
            client=self.shared.client,
            base_url=frozen.base_url,
            api_key=self.secrets[frozen.provider],
            provider=frozen.provider,
        )
        deadlines = replace(self.shared.deadlines, total_s=frozen.timeout_s)
        return provider_adapter(frozen.kind).model(frozen.spec, access, deadlines, seed=self.seed)
