"""A team's providers, models and prices: every change is checked, stored whole or not at all, and audited."""

from orchestration.llm.services.registry.models import (
    NewModel,
    add_models,
    delete_model,
    set_price,
    suggest_model,
    update_model,
)
from orchestration.llm.services.registry.providers import (
    connect_offered,
    connect_provider,
    connect_recording,
    delete_provider,
    disable_provider,
    enable_provider,
    offered_recordings,
    set_secret,
    update_provider,
)
from orchestration.llm.services.registry.seeding import add_simulated, seed_simulated

__all__ = [
    "NewModel",
    "add_models",
    "add_simulated",
    "connect_offered",
    "connect_provider",
    "connect_recording",
    "delete_model",
    "delete_provider",
    "disable_provider",
    "enable_provider",
    "offered_recordings",
    "seed_simulated",
    "set_price",
    "set_secret",
    "suggest_model",
    "update_model",
    "update_provider",
]
