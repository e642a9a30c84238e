"""Checks of connections and models, from a page or by `doctor`. Nothing is stored, and no run is made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import DatabaseError

from orchestra_site.web.health import HealthFinding, fail, ok, warn
from orchestration.llm.engine.errors import InvalidRequest, ModelError, ModelTimeout, ModelUnavailable
from orchestration.llm.engine.types import Completion, Message, Prompt
from orchestration.llm.models import LanguageModel, Provider, ProviderKind
from orchestration.llm.providers.adapter import (
    TEST_QUESTION,
    CheckSubject,
    ConnectionCheck,
    ConnectionReport,
    ProviderAccess,
    RemoteModel,
    connection_report,
)
from orchestration.llm.services.credentials import open_secret, provider_secrets
from orchestration.llm.services.panel import ModelStack, PanelRole, freeze, thaw
from orchestration.llm.services.provider_kinds import provider_adapter, recording_file
from orchestration.llm.services.resources import close_resources, reset_circuit, resources, run_async

LONGEST_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelTest:
    """What a model answered to the test question, or why it did not. `cost_usd` is None without a price."""

    answer: str = ""
    error: str = ""
    seconds: float = 0.0
    tokens: int = 0
    cost_usd: Decimal | None = None


def check_connection(kind: ProviderKind, base_url: str, api_key: str) -> ConnectionReport:
    """Check an address and a key that are not stored yet. Raises `InvalidRequest` for invalid ones."""

    async def check() -> ConnectionReport:
        access = ProviderAccess(client=resources().client, base_url=base_url, api_key=api_key or None)
        return await connection_report(provider_adapter(kind), access)

    return run_async(check(), timeout=LONGEST_S)


def check_provider(provider: Provider) -> ConnectionReport:
    """Check the address and the key that are stored."""
    try:
        api_key = open_secret(provider) or ""
    except ModelUnavailable as error:
        unreadable = ConnectionCheck(subject=CheckSubject.KEY, ok=False, sentence=str(error))
        return ConnectionReport(checks=(unreadable,))
    return check_connection(ProviderKind(provider.kind), provider.base_url, api_key)


def remote_models(provider: Provider) -> tuple[RemoteModel, ...]:
    """Return the models that the provider lists. Raises `ModelError`, `InvalidRequest`."""
    api_key = open_secret(provider)

    async def ask() -> tuple[RemoteModel, ...]:
        return await provider_adapter(provider.kind).list_models(_access(provider, api_key))

    return run_async(ask(), timeout=LONGEST_S)


def model_question(model: LanguageModel) -> str:
    """Return the question that a model is tested with; a recorded model gets one that it can answer."""
    try:
        return provider_adapter(model.provider.kind).test_question(model.provider_id, model.remote_name)
    except ModelUnavailable:
        return TEST_QUESTION


def run_model_test(model: LanguageModel) -> ModelTest:
    """Ask the model one small question, with its own limits, past the cache and an open circuit.

    The circuit of a model that answers is closed for runs, too.
    """
    question = Message(role="user", content=model_question(model))
    try:
        [answer] = ask_outside_runs(model, [Prompt(messages=(question,))])
    except ModelError as error:
        return ModelTest(error=str(error))
    reset_circuit(model.id)
    return ModelTest(
        answer=answer.text,
        seconds=answer.latency_s,
        tokens=answer.usage.input_tokens + answer.usage.output_tokens,
        cost_usd=answer.cost_usd,
    )


def ask_outside_runs(
    model: LanguageModel, prompts: Sequence[Prompt], longest_s: float = LONGEST_S
) -> list[Completion]:
    """Return what a model answers to prompts of a page, all at once, past the cache and an open circuit.

    Raises `ModelError`, also where the answers do not come within so many seconds.
    """
    secrets = provider_secrets(model.team_id, {model.provider_id})
    frozen = thaw(freeze(model, PanelRole.MEMBER))

    async def ask() -> list[Completion]:
        shared = resources()
        shared.reset(model.id)
        stack = ModelStack(
            secrets=secrets,
            shared=shared,
            scope=f"test/{uuid4()}",
            seed=0,
            time_left=lambda: longest_s,
            meter=lambda bare: bare,
        )
        return list(await asyncio.gather(*map(stack.live(frozen).complete, prompts)))

    try:
        return run_async(ask(), timeout=longest_s)
    except TimeoutError:
        sentence = f"{model.name} did not answer within {longest_s:.0f} seconds. Try again later."
        raise ModelTimeout(sentence) from None


def provider_findings() -> Iterator[HealthFinding]:
    """Check every team's enabled providers; those with an address are asked for their models, all at once."""
    try:
        enabled = list(Provider.objects.filter(enabled=True).select_related("team").order_by("team", "name"))
    except DatabaseError as error:
        yield fail(f"The providers cannot be read: {error}", "Fix the database first.")
        return
    if not enabled:
        yield warn("No provider is enabled: nothing can be asked.", "Connect a model under Models.")
    remote = [provider for provider in enabled if ProviderKind(provider.kind).is_remote]
    if any(provider.kind == ProviderKind.SIMULATED for provider in enabled):
        yield ok("The simulated models need nothing.")
    recorded = [provider for provider in enabled if provider.kind == ProviderKind.RECORDED]
    yield from map(_recording, recorded)
    keys: dict[UUID, str | None] = {}
    for provider in remote:
        keys |= provider_secrets(provider.team_id, {provider.id})
    yield from (_unreadable(provider) for provider in remote if provider.id not in keys)
    yield from asyncio.run(_answers([(each, keys[each.id]) for each in remote if each.id in keys]))


def _unreadable(provider: Provider) -> HealthFinding:
    return fail(
        f"The key of {_name(provider)} cannot be read with the encryption keys of this installation.",
        "Put the old key back into ORCHESTRA_ENCRYPTION_KEYS, or save the provider's key again under Models.",
    )


def _recording(provider: Provider) -> HealthFinding:
    if recording_file(provider.id).is_file():
        return ok(f"The recording of {_name(provider)} is there.")
    return warn(
        f"The recording of {_name(provider)} is not in this machine's data folder.",
        "Put it back from a backup, or delete the provider under Models and add the recording again.",
    )


async def _answers(with_keys: Sequence[tuple[Provider, str | None]]) -> list[HealthFinding]:
    try:
        return await asyncio.gather(*(_answer(provider, key) for provider, key in with_keys))
    finally:
        await close_resources()


async def _answer(provider: Provider, key: str | None) -> HealthFinding:
    try:
        listed = await provider_adapter(provider.kind).list_models(_access(provider, key))
    except (ModelError, InvalidRequest) as error:
        return warn(f"{_name(provider)}: {error}", "Test the connection under Models.")
    return ok(f"{_name(provider)} answers and lists {len(listed)} models.")


def _access(provider: Provider, api_key: str | None) -> ProviderAccess:
    return ProviderAccess(
        client=resources().client, base_url=provider.base_url, api_key=api_key, provider=provider.id
    )


def _name(provider: Provider) -> str:
    return f"{provider.name} ({provider.team})"
