"""What a run keeps of its models, so that later edits change neither old runs nor running ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.utils import timezone

from orchestration.engine.context.records import plain
from orchestration.engine.routing.priors import expectation
from orchestration.engine.routing.profile import Profile
from orchestration.engine.routing.task_types import TaskType
from orchestration.engine.types import Capability, Json, ModelSpec, Prices, Tier
from orchestration.models import LanguageModel


class PanelRole(StrEnum):
    """What a frozen model is there for: to answer, or to help (judge, aggregate)."""

    MEMBER = "member"
    HELPER = "helper"


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenModel:
    """One entry of a run's panel. The secret is not in it: it is read when the run is carried out."""

    spec: ModelSpec
    role: PanelRole
    model: UUID
    provider: UUID
    kind: str
    base_url: str
    timeout_s: float
    max_concurrency: int


def freeze(model: LanguageModel, role: PanelRole) -> dict[str, Json]:
    """Return a model's row, with what it has shown so far, as the plain JSON of a panel entry."""
    spec = spec_of(model)
    frozen = FrozenModel(
        spec=replace(spec, profiles=profiles_of(model, spec)),
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
    """Return what `freeze` stored."""
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


def profiles_of(model: LanguageModel, spec: ModelSpec) -> tuple[Profile, ...]:
    """Return what a model's results let one expect of it, for each type of task it was given."""
    rows = sorted(model.profiles.all(), key=lambda row: row.task)
    return tuple(expectation(spec, TaskType(row.task), row.evidence) for row in rows)


def spec_of(model: LanguageModel) -> ModelSpec:
    """Return a row as the engine's spec, with today's price."""
    known = {capability.value for capability in Capability}
    return ModelSpec(
        name=model.name,
        provider=model.provider.name,
        remote_name=model.remote_name,
        family=model.family,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        prices=prices_today(model),
        capabilities=frozenset(Capability(name) for name in model.capabilities if name in known),
        tier=Tier(model.tier),
    )


def prices_today(model: LanguageModel) -> Prices | None:
    """Return the price that is valid today, None when nobody set one; prefetched prices are used."""
    today = timezone.localdate()
    valid = [price for price in model.prices.all() if price.valid_from <= today]
    if not valid:
        return None
    newest = max(valid, key=lambda price: (price.valid_from, price.id))
    return Prices(input_per_million=newest.input_per_million, output_per_million=newest.output_per_million)
