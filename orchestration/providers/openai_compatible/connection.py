"""Trying a provider out before it is stored: whether address and key are right, and a model answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import httpx

from orchestration.engine.errors import (
    AuthenticationRejected,
    BadAnswer,
    ModelError,
    ModelNotFound,
    RateLimited,
    RequestRejected,
)
from orchestration.engine.types import Message, ModelSpec, Prompt
from orchestration.providers.deadlines import Deadlines
from orchestration.providers.endpoint import Endpoint
from orchestration.providers.openai_compatible.catalogue import LISTING_DEADLINES, RemoteModel, list_models
from orchestration.providers.openai_compatible.model import OpenAICompatibleModel

CHAT_DEADLINES = Deadlines(connect_s=10, first_event_s=60, idle_s=20, total_s=90)
CHAT_TOKENS = 16
Value = TypeVar("Value")


class Subject(StrEnum):
    """What a check is about."""

    ADDRESS = "address"
    KEY = "key"
    MODELS = "models"
    CHAT = "chat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was tried: whether it worked, a sentence about it, and the seconds it took."""

    subject: Subject
    ok: bool
    sentence: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionReport:
    """Everything that was tried, and the models that were found."""

    checks: tuple[Check, ...]
    models: tuple[RemoteModel, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing that was tried went wrong."""
        return all(check.ok for check in self.checks)

    def failed(self, subject: Subject) -> str:
        """Return the sentence of the failed check about `subject`, empty when there is none."""
        return next((each.sentence for each in self.checks if each.subject is subject and not each.ok), "")


async def test_connection(
    base_url: str,
    api_key: str | None,
    client: httpx.AsyncClient,
    model: str = "",  # noqa: PT028  # no test, in spite of the name
    clock: Callable[[], float] = time.perf_counter,  # noqa: PT028
) -> ConnectionReport:
    """List the models and, when `model` names one, ask it for a word.

    Raises `InvalidRequest` for an address or key that cannot be one; every other trouble is in the report.
    """
    endpoint = Endpoint(base_url, api_key)
    listing = list_models(endpoint.base_url, endpoint.api_key, client, LISTING_DEADLINES)
    found, error, seconds = await _timed(listing, clock)
    checks = _listing_checks(endpoint, found or (), error, seconds)
    if model and not _is_hopeless(error):
        chat = await _chat_check(endpoint, model, client, clock)
        checks = (*(check for check in checks if check.subject is not chat.subject), chat)
    return ConnectionReport(checks=checks, models=found or ())


def _listing_checks(
    endpoint: Endpoint, found: tuple[RemoteModel, ...], error: ModelError | None, seconds: float
) -> tuple[Check, ...]:
    """Say what the listing tells about address, key and models."""
    host = endpoint.host
    reached = Check(subject=Subject.ADDRESS, ok=True, sentence=f"{host} answers.", seconds=seconds)
    if error is None:
        key = "The models could be listed with this key." if endpoint.api_key else "No key was asked for."
        words = f"{len(found):,} models are listed." if len(found) != 1 else "1 model is listed."
        return (
            reached,
            Check(subject=Subject.KEY, ok=True, sentence=key),
            Check(subject=Subject.MODELS, ok=True, sentence=words),
        )
    if isinstance(error, AuthenticationRejected):
        return (reached, Check(subject=Subject.KEY, ok=False, sentence=str(error)))
    if isinstance(error, ModelNotFound | RateLimited | RequestRejected):
        return (reached, Check(subject=Subject.MODELS, ok=False, sentence=str(error)))
    return (Check(subject=Subject.ADDRESS, ok=False, sentence=str(error), seconds=seconds),)


def _is_hopeless(error: ModelError | None) -> bool:
    """Return whether a chat cannot work either; a server without a model list may well chat."""
    return error is not None and not isinstance(error, ModelNotFound | RequestRejected | BadAnswer)


async def _chat_check(
    endpoint: Endpoint, model: str, client: httpx.AsyncClient, clock: Callable[[], float]
) -> Check:
    chat = OpenAICompatibleModel(
        ModelSpec(name=model, provider=endpoint.host, remote_name=model, max_output_tokens=CHAT_TOKENS),
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        client=client,
        deadlines=CHAT_DEADLINES,
    )
    prompt = Prompt(messages=(Message(role="user", content="Say OK."),))
    _, error, seconds = await _timed(chat.complete(prompt), clock)
    if error is None or error.billed:  # one that thinks first may use up its few tokens before its first word
        sentence = f"{model} answered in {seconds:.1f} seconds."
        return Check(subject=Subject.CHAT, ok=True, sentence=sentence, seconds=seconds)
    subject = Subject.KEY if isinstance(error, AuthenticationRejected) else Subject.CHAT
    return Check(subject=subject, ok=False, sentence=str(error), seconds=seconds)


async def _timed(
    work: Awaitable[Value], clock: Callable[[], float]
) -> tuple[Value | None, ModelError | None, float]:
    """Return what `work` gave or the error it raised, and the seconds it took."""
    started = clock()
    try:
        return await work, None, clock() - started
    except ModelError as error:
        return None, error, clock() - started
