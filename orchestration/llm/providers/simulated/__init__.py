"""Offline, deterministic models that really solve small tasks, with the skill that they state."""

from __future__ import annotations

from orchestration.llm.providers.simulated.catalog import CATALOG, SimulatedProfile, model_spec, profile_named
from orchestration.llm.providers.simulated.model import SimulatedModel

__all__ = ["CATALOG", "SimulatedModel", "SimulatedProfile", "model_spec", "profile_named"]
