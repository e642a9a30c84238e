"""The simulated models: what each claims of itself, and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from orchestration.llm.engine.types import Capability, ModelSpec, Prices, Tier


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
    capabilities: frozenset[Capability]


# Family, tier, skill, tokens/s, seconds to first, failure rate, $ per million in and out, window, longest.
_ROWS = (
    ("swift", Tier.SMALL, 0.70, 70.0, 0.15, 0.01, "0.10", "0.40", 8_192, 1024),
    ("scout", Tier.SMALL, 0.80, 50.0, 0.25, 0.01, "0.25", "1.00", 16_384, 1024),
    ("whim", Tier.MEDIUM, 0.85, 60.0, 0.20, 0.25, "0.40", "1.60", 16_384, 1024),
    ("sage", Tier.MEDIUM, 0.88, 40.0, 0.35, 0.01, "0.80", "3.20", 32_768, 1024),
    ("scholar", Tier.LARGE, 0.93, 32.0, 0.50, 0.01, "2.00", "8.00", 65_536, 2048),
    ("oracle", Tier.LARGE, 0.97, 25.0, 0.80, 0.005, "5.00", "20.00", 131_072, 4096),
)
_BASIC = frozenset({Capability.STREAMING, Capability.JSON_SCHEMA})
_WITHOUT_TOOLS = {"swift"}
CATALOG: tuple[SimulatedProfile, ...] = tuple(
    SimulatedProfile(
        name=f"sim-{family}",
        family=family,
        tier=tier,
        skill=skill,
        tokens_per_s=speed,
        first_token_s=first,
        failure_rate=failures,
        prices=Prices(input_per_million=Decimal(given), output_per_million=Decimal(written)),
        context_window=window,
        max_output_tokens=longest,
        capabilities=_BASIC if family in _WITHOUT_TOOLS else _BASIC | {Capability.TOOLS},
    )
    for family, tier, skill, speed, first, failures, given, written, window, longest in _ROWS
)


def model_spec(profile: SimulatedProfile) -> ModelSpec:
    """Describe a simulated model as the engine knows models."""
    return ModelSpec(
        name=profile.name,
        provider="simulated",
        remote_name=profile.name,
        family=profile.family,
        context_window=profile.context_window,
        max_output_tokens=profile.max_output_tokens,
        prices=profile.prices,
        capabilities=profile.capabilities,
        tier=profile.tier,
    )
