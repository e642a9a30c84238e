"""A run's models as `ModelStack` makes them: the whole stack over a scripted server."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from pytest_django import Settings

from orchestration.llm.engine.errors import ModelError, ModelTimeout
from orchestration.llm.models import ProviderKind
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.services.panel import FrozenModel, ModelStack, PanelRole
from orchestration.llm.services.provider_kinds import ADAPTERS
from orchestration.llm.services.resources import Resources
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import CallEnding
from tests.support.logs import MemoryLog, context_on
from tests.support.models import prompt_of, spec_named
from tests.support.openai_server import Behaviour, OpenAIServer

SHORT = Deadlines(idle_s=0.3)
REASONING = [{"reasoning_content": "Let me see. "}] * 50
ANSWER = [{"content": "42"}]


def streamed(deltas: list[dict[str, str]]) -> bytes:
    events = [json.dumps({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


async def asked(
    behaviour: Behaviour | None = None,
    *,
    kind: ProviderKind = ProviderKind.OPENAI_COMPATIBLE,
    name: str = "alpha",
    timeout_s: float = 20,
) -> tuple[str, MemoryLog, int]:
    """Ask a model within a run; return its answer or error code, the log, the number of requests received."""
    frozen = FrozenModel(
        spec=spec_named(name),
        role=PanelRole.MEMBER,
        model=uuid4(),
        provider=uuid4(),
        kind=kind,
        base_url="",
        timeout_s=timeout_s,
        max_concurrency=1,
    )
    log, shared = MemoryLog(), Resources(SHORT)
    async with OpenAIServer() as server, shared.client:
        server.default = behaviour or Behaviour()
        stack = ModelStack(
            secrets={frozen.provider: None},
            shared=shared,
            scope="team",
            seed=0,
            time_left=lambda: None,
            meter=Metered,
        )
        model = stack.live(replace(frozen, base_url=server.base_url))
        try:
            said = (await context_on(log).ask(model, prompt_of("6 × 7?"), "ask")).text
        except ModelTimeout as error:
            said = error.code
    return said, log, len(server.chats)


async def test_a_model_that_reasons_long_before_its_first_word_is_waited_for_once_and_paid_once() -> None:
    thinking = Behaviour(body=streamed([*REASONING, *ANSWER]), delay_s=0.02)
    said, log, requests = await asked(thinking)
    assert (said, requests) == ("42", 1)
    [call] = log.ended
    assert (call.status, call.text) == (CallEnding.DONE, "42")
    assert len(log.started) == 1
    assert call.cost_usd
    assert call.latency_s > 3 * SHORT.idle_s


async def test_a_model_that_falls_silent_is_a_failed_call_that_is_retried() -> None:
    said, log, requests = await asked(Behaviour(text="abc" * 90, chunk=200, delay_s=30))
    assert (said, requests) == ("model_timeout", 3)
    assert [(call.status, call.error_code) for call in log.ended] == [(CallEnding.FAILED, said)] * 3
    assert all(call.maybe_billed for call in log.ended)


async def test_a_models_own_time_limit_caps_a_stream_that_goes_on() -> None:
    endless = Behaviour(body=streamed(REASONING), delay_s=0.02)
    said, log, _ = await asked(endless, timeout_s=0.2)
    assert said == "model_timeout"
    assert all(call.maybe_billed for call in log.ended)


def test_every_kind_of_provider_has_an_adapter() -> None:
    assert set(ADAPTERS) == set(ProviderKind)


async def test_simulated_models_fail_as_often_as_the_settings_say(settings: Settings) -> None:
    settings.SIMULATED_FAILURES = 1_000
    with pytest.raises(ModelError, match="simulated to be"):
        await asked(kind=ProviderKind.SIMULATED, name="sim-oracle")


async def test_a_model_without_network_keeps_its_time_limit_too(settings: Settings) -> None:
    settings.SIMULATED_PACE = 1
    said, log, requests = await asked(kind=ProviderKind.SIMULATED, name="sim-oracle", timeout_s=0.05)
    assert (said, requests) == ("model_timeout", 0)
    assert {call.error_code for call in log.ended} == {"model_timeout"}
