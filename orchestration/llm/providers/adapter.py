"""The interface of a kind of provider: its models, the list of them, and the check of a connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter
from uuid import UUID

import httpx

from orchestration.llm.engine.errors import (
    AuthenticationRejected,
    ModelError,
    ModelNotFound,
    ModelUnavailable,
    RateLimited,
    RequestRejected,
)
from orchestration.llm.engine.model import AnswerStream, ChatModel
from orchestration.llm.engine.types import Capability, ModelSpec, Prices, Prompt
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.providers.exchange import Deadlines

TEST_QUESTION = "What is 17% of 2,300?"
LISTING_DEADLINES = Deadlines(connect_s=10, total_s=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteModel:
    """A model as its provider lists it; None and empty where the provider does not say."""

    id: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    prices: Prices | None = None
    capabilities: frozenset[Capability] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderAccess:
    """What a provider is reached with: its row's id (None while it is not stored), address and key."""

    client: httpx.AsyncClient
    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)
    provider: UUID | None = None


class ProviderAdapter(ABC):
    """One kind of provider, implemented beside its model and registered in `services.provider_kinds`."""

    @abstractmethod
    def model(self, spec: ModelSpec, access: ProviderAccess, deadlines: Deadlines, *, seed: int) -> ChatModel:
        """Return one of the provider's models, which keeps `deadlines`; `seed` is for simulated chance."""

    async def list_models(
        self,
        access: ProviderAccess,  # noqa: ARG002  # a provider without a list has no use for it
        deadlines: Deadlines = LISTING_DEADLINES,  # noqa: ARG002
    ) -> tuple[RemoteModel, ...]:
        """Return the models to choose from, by id. Raises `ModelError`, `InvalidRequest`."""
        return ()

    def test_question(self, provider: UUID, remote_name: str) -> str:  # noqa: ARG002
        """Return the question that a model is tested with. Raises `ModelUnavailable`."""
        return TEST_QUESTION


class Unavailable(ChatModel):
    """A model that cannot be asked any more: each call raises the reason."""

    def __init__(self, spec: ModelSpec, reason: str) -> None:
        super().__init__(spec)
        self._reason = reason

    async def stream(self, prompt: Prompt) -> AnswerStream:  # noqa: ARG002  # it is never sent
        """Raise `ModelUnavailable`."""
        raise ModelUnavailable(self._reason)
        yield


class CheckSubject(StrEnum):
    """What a check of a connection is about."""

    ADDRESS = "address"
    KEY = "key"
    MODELS = "models"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionCheck:
    """One thing that was checked: whether it worked, a sentence about it, and the seconds it took."""

    subject: CheckSubject
    ok: bool
    sentence: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionReport:
    """Everything that was checked, and the models that were found."""

    checks: tuple[ConnectionCheck, ...]
    models: tuple[RemoteModel, ...] = ()

    @property
    def ok(self) -> bool:
        """True when no check failed."""
        return all(check.ok for check in self.checks)

    def failed(self, subject: CheckSubject) -> str:
        """Return the sentence of the failed check about `subject`, empty when there is none."""
        return next((each.sentence for each in self.checks if each.subject is subject and not each.ok), "")


async def connection_report(adapter: ProviderAdapter, access: ProviderAccess) -> ConnectionReport:
    """List the models, and report what that shows about address, key and list.

    Raises `InvalidRequest` for an address or key that cannot be one; every other failure is in the report.
    """
    endpoint = Endpoint(access.base_url, access.api_key)
    started = perf_counter()
    try:
        found = await adapter.list_models(access)
    except ModelError as error:
        return ConnectionReport(checks=_failed_checks(endpoint, error, perf_counter() - started))
    key = "The models could be listed with this key." if endpoint.api_key else "No key was asked for."
    listed = f"{len(found):,} models are listed." if len(found) != 1 else "1 model is listed."
    return ConnectionReport(
        checks=(
            _reached(endpoint, perf_counter() - started),
            ConnectionCheck(subject=CheckSubject.KEY, ok=True, sentence=key),
            ConnectionCheck(subject=CheckSubject.MODELS, ok=True, sentence=listed),
        ),
        models=found,
    )


def _failed_checks(endpoint: Endpoint, error: ModelError, seconds: float) -> tuple[ConnectionCheck, ...]:
    """Return the checks for a listing that failed with `error`."""
    sentence = str(error)
    if isinstance(error, AuthenticationRejected):
        failed = ConnectionCheck(subject=CheckSubject.KEY, ok=False, sentence=sentence)
    elif isinstance(error, ModelNotFound | RateLimited | RequestRejected):
        failed = ConnectionCheck(subject=CheckSubject.MODELS, ok=False, sentence=sentence)
    else:
        return (ConnectionCheck(subject=CheckSubject.ADDRESS, ok=False, sentence=sentence, seconds=seconds),)
    return (_reached(endpoint, seconds), failed)


def _reached(endpoint: Endpoint, seconds: float) -> ConnectionCheck:
    sentence = f"{endpoint.host} answers."
    return ConnectionCheck(subject=CheckSubject.ADDRESS, ok=True, sentence=sentence, seconds=seconds)
