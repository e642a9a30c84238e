"""Where recordings are kept: a file for each provider, named by its id and by nothing that a user gave."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings

from orchestration.engine.types import ModelSpec
from orchestration.providers.openai_compatible import RemoteModel
from orchestration.providers.recorded import Pace
from orchestration.providers.recorded.stored import Shelf, StoredModel

FIRST_TOKEN_S, TOKENS_PER_S = 0.4, 80.0
shelf = Shelf()


def recordings_folder() -> Path:
    """Return the folder that holds what was uploaded, made on first use for this user alone."""
    folder: Path = settings.DATA_DIR / "recordings"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def offered_folder() -> Path:
    """Return the folder in which an operator offers recordings to every team of the installation."""
    return recordings_folder() / "offered"


def recording_file(provider: UUID) -> Path:
    """Return where a provider's recording is kept."""
    return recordings_folder() / f"{provider}.recording"


def stored_model(spec: ModelSpec, provider: UUID) -> StoredModel:
    """Return a recorded model at the speed that simulated models keep, too: no latency is recorded."""
    pace = settings.SIMULATED_PACE
    timed = Pace(first_token_s=FIRST_TOKEN_S * pace, tokens_per_s=TOKENS_PER_S / pace) if pace > 0 else Pace()
    return StoredModel(spec, shelf, recording_file(provider), pace=timed)


def stored_models(provider: UUID) -> tuple[RemoteModel, ...]:
    """Return the models of a provider's recording with the prices it shows. Raises `ModelUnavailable`."""
    recording = shelf.take(recording_file(provider))
    return tuple(RemoteModel(id=name, prices=recording.spec(name).prices) for name in recording.models)


def a_recorded_question(provider: UUID, model: str) -> str | None:
    """Return the first question that `model` has an answer to. Raises `ModelUnavailable`."""
    items = shelf.take(recording_file(provider)).items
    return next((item.prompt for item in items if item.holds(model)), None)
