"""Offline, deterministic models that really solve small tasks, with the skill that they state."""

from orchestration.llm.providers.simulated.catalog import CATALOG, SimulatedProfile, model_spec
from orchestration.llm.providers.simulated.model import SimulatedModel
from orchestration.llm.providers.simulated.open_questions import OPEN_QUESTIONS

__all__ = ["CATALOG", "OPEN_QUESTIONS", "SimulatedModel", "SimulatedProfile", "model_spec"]
