"""Providers that speak OpenAI's chat completions format."""

from orchestration.providers.openai_compatible.catalogue import RemoteModel, list_models
from orchestration.providers.openai_compatible.connection import Check, ConnectionReport, test_connection
from orchestration.providers.openai_compatible.model import OpenAICompatibleModel

__all__ = [
    "Check",
    "ConnectionReport",
    "OpenAICompatibleModel",
    "RemoteModel",
    "list_models",
    "test_connection",
]
