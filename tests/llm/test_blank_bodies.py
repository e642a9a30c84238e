"""A body that begins with blanks is read in time that grows with its length, whatever its chunks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.providers.exchange import Deadlines
from tests.support.transport import PROMPT, chat_model

CHUNK = b" " * 1024
PATIENT = Deadlines(connect_s=60, total_s=60)


class Blanks(httpx.AsyncByteStream):
    def __init__(self, chunks: int) -> None:
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.chunks):
            yield CHUNK


async def seconds(chunks: int) -> float:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Blanks(chunks)))
    async with httpx.AsyncClient(transport=transport) as client:
        started = time.thread_time()
        with pytest.raises(BadAnswer):
            await chat_model(client, "http://localhost:1/v1", deadlines=PATIENT).complete(PROMPT)
        return time.thread_time() - started


async def test_blanks_before_an_answer_take_linear_time() -> None:
    short = min([await seconds(250) for _ in range(3)])
    assert min([await seconds(4000) for _ in range(3)]) < 50 * short
