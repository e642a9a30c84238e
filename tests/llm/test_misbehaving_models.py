"""Every kind of misbehaving model beside two healthy ones: typed errors, no lost answer, right costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.types import Completion, ModelSpec
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.providers.openai_compatible.model import OpenAICompatibleModel
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.metering import Metered
from tests.support.logs import MemoryLog, context_on
from tests.support.misbehaviour import HEALTHY, KINDS, OK, RAW
from tests.support.models import PRICES
from tests.support.openai_server import Behaviour, OpenAIServer
from tests.support.raw_server import raw_server, saying
from tests.support.transport import PROMPT, chat_model, loopback_client

LIMITS = Deadlines(connect_s=4, idle_s=4, total_s=8)
WELL = ("well", "well too")
LONGEST = 500
Ended = Completion | ModelError


def model(client: httpx.AsyncClient, base_url: str, name: str) -> OpenAICompatibleModel:
    spec = ModelSpec(name=name, provider="p", remote_name=name, max_output_tokens=64, prices=PRICES)
    return chat_model(client, base_url, spec=spec, deadlines=LIMITS)


async def panel(
    client: httpx.AsyncClient, addresses: Mapping[str, str]
) -> tuple[MemoryLog, dict[str, Ended]]:
    """Ask a model at each address in one run, all at once; return its answer or its error by its name."""
    log = MemoryLog()
    context = context_on(log, limits=Limits(money=Decimal(100)))

    async def ask(name: str, address: str) -> tuple[str, Ended]:
        try:
            return name, await context.ask(Metered(model(client, address, name)), PROMPT, f"ask/{name}")
        except ModelError as error:
            return name, error

    return log, dict(await asyncio.gather(*(ask(*each) for each in addresses.items())))


@asynccontextmanager
async def misbehaving_servers() -> AsyncIterator[dict[str, str]]:
    """Serve every kind, and two healthy models; give the addresses by the models' names."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(OpenAIServer())
        server.by_model = {name: behaviour for name, (behaviour, _) in KINDS.items()}
        server.by_model |= dict.fromkeys(WELL, Behaviour(text=HEALTHY, piece=2, delay_s=0.3))
        addresses = dict.fromkeys(server.by_model, server.base_url)
        for name, (raw, _) in RAW.items():
            port = await stack.enter_async_context(raw_server(saying(raw)))
            addresses[name] = f"http://127.0.0.1:{port}/v1"
        yield addresses


@pytest.fixture(scope="module")
def asked() -> tuple[MemoryLog, dict[str, Ended]]:
    """Ask all of them once: the last one ends after eight seconds."""

    async def ask() -> tuple[MemoryLog, dict[str, Ended]]:
        async with misbehaving_servers() as addresses, loopback_client() as client:
            return await panel(client, addresses)

    return asyncio.run(ask())


def test_each_kind_ends_in_its_error_and_no_healthy_answer_is_lost(
    asked: tuple[MemoryLog, dict[str, Ended]],
) -> None:
    log, ended = asked
    codes = {name: OK if isinstance(each, Completion) else each.code for name, each in ended.items()}
    expected = {name: code for name, (_, code) in [*KINDS.items(), *RAW.items()]} | dict.fromkeys(WELL, OK)
    assert codes == expected
    assert {str(getattr(ended[name], "text", "")) for name in WELL} == {HEALTHY}
    answers = [each for each in ended.values() if isinstance(each, Completion)]
    assert all(answer.text.strip() for answer in answers)
    done = [call for call in log.ended if call.status == "done"]
    assert sum(call.cost_usd or 0 for call in done) == sum(answer.cost_usd or 0 for answer in answers)
    assert (len(log.started), len(log.ended), len(done)) == (len(ended), len(ended), len(answers))


def test_errors_say_whose_they_are_and_show_no_key(asked: tuple[MemoryLog, dict[str, Ended]]) -> None:
    _, ended = asked
    words = [str(each) for each in ended.values() if isinstance(each, ModelError)]
    assert [each for each in words if len(each) > LONGEST or not each.isprintable()] == []


def test_there_are_at_least_sixty_kinds() -> None:
    assert len(KINDS) + len(RAW) >= 60
    assert sum(code == OK for _, code in KINDS.values()) < len(KINDS) / 3
