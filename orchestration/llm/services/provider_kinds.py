"""The kinds of provider: one adapter each, and where recordings are stored.

A recording is a file for each provider, named by its id and by nothing that a user entered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from django.conf import settings

from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import ModelSpec
from orchestration.llm.models import ProviderKind
from orchestration.llm.providers.adapter import (
    LISTING_DEADLINES,
    TEST_QUESTION,
    ProviderAccess,
    ProviderAdapter,
    RemoteModel,
    Unavailable,
)
from orchestration.llm.providers.exchange import Deadlines, Timed
from orchestration.llm.providers.openai_compatible.catalogue import OpenAICompatibleProvider
from orchestration.llm.providers.recorded.model import Pace, RecordingCache, StoredModel
from orchestration.llm.providers.simulated import CATALOG, SimulatedModel

RECORDED_FIRST_TOKEN_S, RECORDED_TOKENS_PER_S = 0.4, 80.0
recording_cache = RecordingCache()


class SimulatedProvider(ProviderAdapter):
    """Models that this process simulates."""

    def model(self, spec: ModelSpec, access: ProviderAccess, deadlines: Deadlines, *, seed: int) -> ChatModel:  # noqa: ARG002
        """Return a simulated model that takes as long, and fails as often, as the settings say."""
        profile = next((each for each in CATALOG if each.name == spec.remote_name), None)
        if profile is None:
            return Unavailable(spec, f"This version of Orchestra does not simulate {spec.remote_name}.")
        profile = replace(profile, failure_rate=settings.SIMULATED_FAILURES * profile.failure_rate)
        return Timed(SimulatedModel(spec, profile, seed=seed, pace=settings.SIMULATED_PACE), deadlines)


class RecordedProvider(ProviderAdapter):
    """Models that replay a stored recording."""

    def model(self, spec: ModelSpec, access: ProviderAccess, deadlines: Deadlines, *, seed: int) -> ChatModel:  # noqa: ARG002
        """Return a recorded model; no latency is recorded, so that it keeps the pace of simulated models."""
        pace = Pace()
        if (stretch := settings.SIMULATED_PACE) > 0:
            pace = Pace(
                first_token_s=RECORDED_FIRST_TOKEN_S * stretch, tokens_per_s=RECORDED_TOKENS_PER_S / stretch
            )
        path = recording_file(_stored(access))
        return Timed(StoredModel(spec, recording_cache, path, pace=pace), deadlines)

    async def list_models(
        self,
        access: ProviderAccess,
        deadlines: Deadlines = LISTING_DEADLINES,  # noqa: ARG002
    ) -> tuple[RemoteModel, ...]:
        """Return the recorded models with the prices that their costs imply. Raises `ModelUnavailable`."""
        recording = await asyncio.to_thread(recording_cache.get, recording_file(_stored(access)))
        return tuple(RemoteModel(id=name, prices=recording.spec(name).prices) for name in recording.models)

    def test_question(self, provider: UUID, remote_name: str) -> str:
        """Return the first question that the model has an answer to. Raises `ModelUnavailable`."""
        items = recording_cache.get(recording_file(provider)).items
        return next((item.prompt for item in items if item.has_answer(remote_name)), TEST_QUESTION)


def _stored(access: ProviderAccess) -> UUID:
    if access.provider is None:
        raise ValueError("A recording belongs to a stored provider.")
    return access.provider


ADAPTERS: Mapping[ProviderKind, ProviderAdapter] = {
    ProviderKind.SIMULATED: SimulatedProvider(),
    ProviderKind.OPENAI_COMPATIBLE: OpenAICompatibleProvider(),
    ProviderKind.RECORDED: RecordedProvider(),
}


def provider_adapter(kind: str) -> ProviderAdapter:
    """Return the adapter of a provider's kind. Raises `ValueError` for an unknown one."""
    return ADAPTERS[ProviderKind(kind)]


def recordings_folder() -> Path:
    """Return the folder of uploaded recordings; it is made on first use, for this user alone."""
    folder: Path = settings.DATA_DIR / "recordings"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def offered_folder() -> Path:
    """Return the folder in which an operator offers recordings to every team of the installation."""
    return recordings_folder() / "offered"


def recording_file(provider: UUID) -> Path:
    """Return where a provider's recording is stored."""
    return recordings_folder() / f"{provider}.recording"
