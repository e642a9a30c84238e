"""Trying out a connection or a model from a page. Nothing of it is stored, and no run is made."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from orchestra_site.web.encryption import SecretUnreadable
from orchestration.engine.errors import ModelError, ModelUnavailable
from orchestration.engine.types import Completion, Message, Prompt
from orchestration.models import LanguageModel, Provider, ProviderKind
from orchestration.providers.openai_compatible.catalogue import RemoteModel, list_models
from orchestration.providers.openai_compatible.connection import (
    Check,
    ConnectionReport,
    Subject,
    test_connection,
)
from orchestration.wiring.credentials import open_secret, secrets_of
from orchestration.wiring.freezing import PanelRole, freeze
from orchestration.wiring.loops import run_async
from orchestration.wiring.panel import build_panel
from orchestration.wiring.recordings import a_recorded_question, stored_models
from orchestration.wiring.resources import reset_circuit, resources

QUESTION = "What is 17% of 2,300?"
LONGEST_S = 60.0
UNREADABLE = "The stored key cannot be read with this installation's encryption keys. Enter the key again."


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What a model said to the question, or why it said nothing. `cost_usd` is None without a price."""

    answer: str = ""
    error: str = ""
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: Decimal | None = None


def check_connection(base_url: str, api_key: str) -> ConnectionReport:
    """Try an address and a key that are not stored yet. Raises `InvalidRequest` for what cannot be one."""

    async def check() -> ConnectionReport:
        return await test_connection(base_url, api_key or None, resources().client)

    return run_async(check(), timeout=LONGEST_S)


def check_provider(provider: Provider) -> ConnectionReport:
    """Try the address and the key that are stored."""
    try:
        return check_connection(provider.base_url, open_secret(provider) or "")
    except SecretUnreadable:
        unreadable = Check(subject=Subject.KEY, ok=False, sentence=UNREADABLE)
        return ConnectionReport(checks=(unreadable,))


def remote_models(provider: Provider) -> tuple[RemoteModel, ...]:
    """Return what the provider lists, or its recording holds. Raises `ModelError`."""
    if provider.kind == ProviderKind.RECORDED:
        return stored_models(provider.id)
    try:
        api_key = open_secret(provider)
    except SecretUnreadable as error:
        raise ModelUnavailable(UNREADABLE) from error

    async def ask() -> tuple[RemoteModel, ...]:
        return await list_models(provider.base_url, api_key, resources().client)

    return run_async(ask(), timeout=LONGEST_S)


def question_for(model: LanguageModel) -> str:
    """Return what a model is tried with: a recorded one with a question that it has an answer to."""
    if model.provider.kind != ProviderKind.RECORDED:
        return QUESTION
    try:
        return a_recorded_question(model.provider_id, model.remote_name) or QUESTION
    except ModelUnavailable:
        return QUESTION


def try_model(model: LanguageModel) -> Trial:
    """Ask the model one small question, with its own limits, past the cache and an open circuit.

    One that answers is asked by runs again, too.
    """
    question = question_for(model)
    secrets = secrets_of(model.team_id, {model.provider_id})
    entry = freeze(model, PanelRole.MEMBER)

    async def ask() -> Completion:
        shared = resources()
        shared.reset(model.id)
        panel = build_panel(
            [entry],
            secrets=secrets,
            shared=shared,
            scope=f"trial/{uuid4()}",
            seed=0,
            time_left=lambda: LONGEST_S,
        )
        return await panel.members[0].complete(Prompt(messages=(Message(role="user", content=question),)))

    try:
        said = run_async(ask(), timeout=LONGEST_S)
    except ModelError as error:
        return Trial(error=str(error))
    except TimeoutError:
        return Trial(error=f"{model.name} did not answer within {LONGEST_S:.0f} seconds. Try again later.")
    reset_circuit(model.id)
    return Trial(
        answer=said.text,
        seconds=said.latency_s,
        tokens=said.usage.input_tokens + said.usage.output_tokens,
        cost_usd=said.cost_usd,
    )
