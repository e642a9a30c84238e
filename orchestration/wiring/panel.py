"""Frozen panel entries turned into models that can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from random import Random
from uuid import UUID

from django.conf import settings

from orchestration.engine.context.metering import Metered
from orchestration.engine.errors import ModelUnavailable
from orchestration.engine.model import AnswerStream, ChatModel, StreamingModel
from orchestration.engine.resilience.caching import Cached
from orchestration.engine.resilience.circuit import CircuitBroken
from orchestration.engine.resilience.limiting import Limited
from orchestration.engine.resilience.retrying import Retrying, RetryPolicy
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.types import Json, ModelSpec, Prompt
from orchestration.models import ProviderKind
from orchestration.providers.deadlines import Timed
from orchestration.providers.openai_compatible import OpenAICompatibleModel
from orchestration.providers.simulated import CATALOG, SimulatedModel
from orchestration.wiring.freezing import FrozenModel, PanelRole, thaw
from orchestration.wiring.recordings import stored_model
from orchestration.wiring.resources import Resources


def build_panel(
    entries: Iterable[Mapping[str, Json]],
    *,
    secrets: Mapping[UUID, str | None],
    shared: Resources,
    scope: str,
    seed: int,
    time_left: Callable[[], float | None],
) -> Panel:
    """Return the live panel of a run.

    `secrets` holds each provider's key, None where it has none; a provider that is not in it is gone, and
    its models fail with words. `scope` keeps the answers of different teams apart in the cache.
    """
    members: list[ChatModel] = []
    helpers: dict[str, ChatModel] = {}
    for frozen in map(thaw, entries):
        model = _wrapped(_bare(frozen, secrets, shared, seed), frozen, shared, scope, seed, time_left)
        if frozen.role is PanelRole.MEMBER:
            members.append(model)
        else:
            helpers[frozen.spec.name] = model
    return Panel(members=tuple(members), helpers=helpers)


def _wrapped(
    bare: ChatModel,
    frozen: FrozenModel,
    shared: Resources,
    scope: str,
    seed: int,
    time_left: Callable[[], float | None],
) -> ChatModel:
    """Stack the wrappers, inside out."""
    model: ChatModel = Metered(bare)
    model = CircuitBroken(model, shared.circuit(frozen.model))
    model = Limited(model, shared.limiter(frozen.model, frozen.max_concurrency))
    jitter = Random(f"{seed}/{frozen.spec.name}")  # noqa: S311  # spreads retries, guards nothing
    model = Retrying(model, RetryPolicy(), sleep=asyncio.sleep, random=jitter, time_left=time_left)
    return model if shared.cache is None else Cached(model, shared.cache, scope=scope)


def _bare(frozen: FrozenModel, secrets: Mapping[UUID, str | None], shared: Resources, seed: int) -> ChatModel:
    """Return the provider's own model."""
    if frozen.provider not in secrets:
        gone = f"{frozen.spec.provider} was removed, disabled or moved since, or its key cannot be read."
        return Unavailable(frozen.spec, gone)
    deadlines = shared.deadlines.within(frozen.timeout_s)
    match ProviderKind(frozen.kind):
        case ProviderKind.SIMULATED:
            return Timed(_simulated(frozen.spec, seed), deadlines)
        case ProviderKind.RECORDED:
            return Timed(stored_model(frozen.spec, frozen.provider), deadlines)
        case ProviderKind.OPENAI_COMPATIBLE:
            return OpenAICompatibleModel(
                frozen.spec,
                base_url=frozen.base_url,
                api_key=secrets[frozen.provider],
                client=shared.client,
                deadlines=deadlines,
            )


def _simulated(spec: ModelSpec, seed: int) -> ChatModel:
    profile = next((profile for profile in CATALOG if profile.name == spec.remote_name), None)
    if profile is None:
        return Unavailable(spec, f"This version of Orchestra does not simulate {spec.remote_name}.")
    return SimulatedModel(spec, profile, seed=seed, pace=settings.SIMULATED_PACE)


class Unavailable(StreamingModel):
    """A model that cannot be asked any more, and says why."""

    def __init__(self, spec: ModelSpec, reason: str) -> None:
        self._spec, self._reason = spec, reason

    @property
    def spec(self) -> ModelSpec:
        """What the model was."""
        return self._spec

    async def stream(self, prompt: Prompt) -> AnswerStream:  # noqa: ARG002  # it is never sent
        """Raise `ModelUnavailable`."""
        raise ModelUnavailable(self._reason)
        yield
