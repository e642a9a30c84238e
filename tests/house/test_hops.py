"""How many of our functions a question passes on its way out, and a token on its way to the browser.

One run, from the posted Ask form to a socket of its page, in one process as in the embedded profile. Only
functions of the product count; `HopTrace` says which are on the way.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from celery import current_app
from celery.signals import before_task_publish
from django.test import Client

from orchestra_site.web.threads import in_thread
from orchestration.llm.models import LanguageModel, Provider, ProviderKind
from orchestration.runs.tasks import EngineProcess
from tests.support.history import a_member, signed_in
from tests.support.hops import CAUSES, CausalLoop, Chain, HopTrace, chain, listed, profiled
from tests.support.sockets import live_socket

LOOP_FACTORY = CausalLoop
pytestmark = pytest.mark.django_db(transaction=True)

MOST_TO_REQUEST, MOST_TO_BROWSER = 25, 15
MODELS = ["alpha", "beta", "gamma"]
WORD = "chrysanthemum"
LANE_TEXT = re.compile(r'id="text-([0-9a-f-]+)"')


class Published:
    """A task as it is handed to the broker, with our functions that led there."""

    def __init__(self) -> None:
        self.name, self.arguments = "", ()
        self.causes: Chain = ()
        before_task_publish.connect(self._note)

    def _note(self, sender: str, body: Any, **_: object) -> None:  # noqa: ANN401  # Celery's own
        self.name, self.arguments, self.causes = sender, body[0], chain(sys._getframe(1))

    def execute(self) -> None:
        """Do what a worker's thread does."""
        current_app.tasks[self.name](*self.arguments)


@asynccontextmanager
async def server_that_waits(for_what: asyncio.Event) -> AsyncIterator[str]:
    """Answer chats with one word, once the event is set; give the address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        chunk = {"choices": [{"index": 0, "delta": {"content": WORD}, "finish_reason": "stop"}]}
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await for_what.wait()
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await asyncio.sleep(60)
        return response

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", answer)])
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    await runner.cleanup()


def member_with_models(address: str) -> Client:
    member = a_member()
    provider = Provider.objects.create(
        team=member.team, name="loopback", kind=ProviderKind.OPENAI_COMPATIBLE, base_url=address
    )
    for name in MODELS:
        LanguageModel.objects.create(team=member.team, provider=provider, name=name, remote_name=name)
    return signed_in(member)


async def traced_run() -> HopTrace:
    """Ask on the page, do the worker's part, follow the page, and stop at the first word of an answer."""
    published, trace, released = Published(), HopTrace(WORD), asyncio.Event()
    engine = EngineProcess(asyncio.get_running_loop())
    async with server_that_waits(released) as address:
        client = await in_thread(member_with_models, address)
        form = {"text": "How many?", "strategy": "voting", "models": MODELS, "order": MODELS}
        page = (await in_thread(client.post, "/", form))["Location"]
        CAUSES.set(published.causes)
        engine.start()
        async with live_socket(f"/ws{page}?after=0", client) as socket:
            with profiled(trace.look):
                worker = asyncio.create_task(asyncio.to_thread(published.execute))
                await socket.until(lambda s: len(set(LANE_TEXT.findall(s.html))) == len(MODELS))
                released.set()
                await socket.until(lambda s: WORD in s.html)
        await engine.stop()
        await asyncio.gather(worker, return_exceptions=True)
    return trace


async def test_a_question_and_a_token_pass_few_functions() -> None:
    trace = await traced_run()
    view = next(place for place, code in enumerate(trace.to_request) if "/views" in code.co_filename)
    to_request, to_browser = trace.to_request[view:], trace.to_browser
    hops = (len(to_request), len(to_browser))
    assert (hops[0] <= MOST_TO_REQUEST, hops[1] <= MOST_TO_BROWSER) == (True, True), (
        f"{hops[0]} hops to the request:\n{listed(to_request)}\n"
        f"{hops[1]} hops to the browser:\n{listed(to_browser)}"
    )
