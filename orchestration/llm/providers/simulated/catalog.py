"""The simulated models: what each claims of itself, and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import Capability, ModelSpec, Prices, Tier

PROVIDER = "simulated"


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedProfile:
    """One simulated model.

    `skill` is the chance that it answers a question within its reach rightly, `failure_rate` the chance
    that an attempt fails before its first word; `first_token_s` in seconds, `tokens_per_s` from then on.
    """

    name: str
    family: str
    tier: Tier
    skill: float
    tokens_per_s: float
    first_token_s: float
    failure_rate: float
    prices: Prices
    context_window: int
    max_output_tokens: int = 1024
    capabilities: frozenset[Capability] = frozenset({Capability.STREAMING, Capability.JSON_SCHEMA})


def _prices(input_per_million: str, output_per_million: str) -> Prices:
    return Prices(
        input_per_million=Decimal(input_per_million), output_per_million=Decimal(output_per_million)
    )


CATALOG: tuple[SimulatedProfile, ...] = (
    SimulatedProfile(
        name="sim-swift",
        family="swift",
        tier=Tier.SMALL,
        skill=0.70,
        tokens_per_s=70.0,
        first_token_s=0.15,
        failure_rate=0.01,
        prices=_prices("0.10", "0.40"),
        context_window=8_192,
    ),
    SimulatedProfile(
        name="sim-scout",
        family="scout",
        tier=Tier.SMALL,
        skill=0.80,
        tokens_per_s=50.0,
        first_token_s=0.25,
        failure_rate=0.01,
        prices=_prices("0.25", "1.00"),
        context_window=16_384,
    ),
    SimulatedProfile(
        name="sim-whim",
        family="whim",
        tier=Tier.MEDIUM,
        skill=0.85,
        tokens_per_s=60.0,
        first_token_s=0.20,
        failure_rate=0.25,
        prices=_prices("0.40", "1.60"),
        context_window=16_384,
    ),
    SimulatedProfile(
        name="sim-sage",
        family="sage",
        tier=Tier.MEDIUM,
        skill=0.88,
        tokens_per_s=40.0,
        first_token_s=0.35,
        failure_rate=0.01,
        prices=_prices("0.80", "3.20"),
        context_window=32_768,
    ),
    SimulatedProfile(
        name="sim-scholar",
        family="scholar",
        tier=Tier.LARGE,
        skill=0.93,
        tokens_per_s=32.0,
        first_token_s=0.50,
        failure_rate=0.01,
        prices=_prices("2.00", "8.00"),
        context_window=65_536,
        max_output_tokens=2048,
    ),
    SimulatedProfile(
        name="sim-oracle",
        family="oracle",
        tier=Tier.LARGE,
        skill=0.97,
        tokens_per_s=25.0,
        first_token_s=0.80,
        failure_rate=0.005,
        prices=_prices("5.00", "20.00"),
        context_window=131_072,
        max_output_tokens=4096,
    ),
)


def model_spec(profile: SimulatedProfile) -> ModelSpec:
    """Describe a simulated model as the engine knows models."""
    return ModelSpec(
        name=profile.name,
        provider=PROVIDER,
        remote_name=profile.name,
        family=profile.family,
        context_window=profile.context_window,
        max_output_tokens=profile.max_output_tokens,
        prices=profile.prices,
        capabilities=profile.capabilities,
        tier=profile.tier,
    )


def profile_named(name: str) -> SimulatedProfile | None:
    """Return the profile of that name, None when there is none."""
    return next((profile for profile in CATALOG if profile.name == name), None)
