"""Clients for tests: real sockets, loopback only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from orchestration.llm.engine.types import Message, ModelSpec, Prompt
from orchestration.llm.providers.addresses import AddressGuard
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.providers.openai_compatible.model import OpenAICompatibleModel
from orchestration.llm.providers.transport import BODY_LIMIT, build_client

SHORT = Deadlines(connect_s=2, idle_s=3, total_s=5)
PROMPT = Prompt(messages=(Message(role="user", content="Hello?"),))


@asynccontextmanager
async def loopback_client(*, body_limit: int = BODY_LIMIT) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that may go to loopback addresses."""
    async with build_client(guard=AddressGuard(allow_loopback=True), body_limit=body_limit) as client:
        yield client


def chat_model(
    client: httpx.AsyncClient,
    base_url: str,
    *,
    api_key: str | None = None,
    deadlines: Deadlines = SHORT,
    spec: ModelSpec | None = None,
) -> OpenAICompatibleModel:
    """Return a model called alpha at `base_url`."""
    alpha = spec or ModelSpec(name="alpha", provider="loopback", remote_name="alpha", max_output_tokens=64)
    return OpenAICompatibleModel(
        alpha, base_url=base_url, api_key=api_key, client=client, deadlines=deadlines
    )
