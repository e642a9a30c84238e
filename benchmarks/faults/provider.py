"""A provider that counts what it is asked. It lives in this process and so survives the kills."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from random import Random

from aiohttp import web

from benchmarks.upstream import LAST
from orchestration.llm.services.resources import LoopThread

API_KEY = "canary-key-that-no-log-may-show"
NUMBER = re.compile(r"Question (\d+)")
END = f"data: {json.dumps(LAST)}\n\ndata: [DONE]\n\n".encode()


class CountingProvider:
    """Answers every chat after a random time: half of it passes before the first word.

    `asked` counts by number of the question and model, `open` is how many answers are under way, `seconds`
    the shortest and longest time. `text` is what a model answers to the question of a number.
    """

    def __init__(self, seed: int) -> None:
        self.asked: Counter[tuple[int, str]] = Counter()
        self.open = 0
        self.strangers = 0
        self.seconds = (0.05, 1.5)
        self.text: Callable[[int, str], str] = lambda _number, _model: "Answer: 391"
        self.base_url = ""
        self._random = Random(seed)
        self._thread = LoopThread("provider")
        self._runner: web.AppRunner | None = None

    def start(self) -> None:
        """Listen on a free port of loopback."""
        self._thread.start()
        self._thread.wait_for(self._listen(), 10)

    def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            self._thread.wait_for(self._runner.cleanup(), 10)
        self._thread.stop()

    async def _listen(self) -> None:
        app = web.Application()
        app.add_routes([web.post("/v1/chat/completions", self._chat)])
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.strangers += request.headers.get("Authorization") != f"Bearer {API_KEY}"
        number, model = number_of(body["messages"][-1]["content"]), body["model"]
        self.asked[number, model] += 1
        self.open += 1
        try:
            return await self._answer(request, self.text(number, model))
        finally:
            self.open -= 1

    async def _answer(self, request: web.Request, text: str) -> web.StreamResponse:
        chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        half = self._random.uniform(*self.seconds) / 2
        await asyncio.sleep(half)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await asyncio.sleep(half)
        await response.write(END)
        return response


def number_of(text: str) -> int:
    """Return the number of the question in `text`."""
    found = NUMBER.search(text)
    assert found is not None, text
    return int(found[1])
