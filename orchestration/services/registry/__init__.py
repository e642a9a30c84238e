"""A team's providers, models and prices: every change is checked, stored whole or not at all, and audited."""

from orchestration.services.registry.adding import NewModel, add_models, suggest_model
from orchestration.services.registry.changing import ModelChanges, delete_model, update_model
from orchestration.services.registry.connecting import connect_provider, set_secret, update_provider
from orchestration.services.registry.offering import offer_from_environment
from orchestration.services.registry.pricing import set_price
from orchestration.services.registry.recording import connect_offered, connect_recording, offered_recordings
from orchestration.services.registry.simulating import add_simulated, seed_simulated
from orchestration.services.registry.switching import delete_provider, disable_provider, enable_provider

__all__ = [
    "ModelChanges",
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
    "offer_from_environment",
    "offered_recordings",
    "seed_simulated",
    "set_price",
    "set_secret",
    "suggest_model",
    "update_model",
    "update_provider",
]
