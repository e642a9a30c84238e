"""A loopback server that speaks OpenAI's format and misbehaves on request.

In a test: `async with OpenAIServer() as server: ... server.base_url`. As a process of its own:
`python -m tests.support.openai_server --port 0` prints its port; `GET /_stats` counts, `POST /_behave` sets
`{"model": {Behaviour fields}}` ("*" for every model).
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

FOREVER = 3600.0


@dataclass(kw_only=True)
class Behaviour:
    """How the server answers a chat. `body` replaces everything it would have streamed.

    `cut_at` bytes of the body are sent before the connection breaks: off cleanly, as the end of the body
    (`clean_cut`), or in the middle of a chunk. `refuses` names parameters that get 400. Times are
    seconds; `hang` never sends a header. `calls`, tools and their arguments, are asked for where tools are
    offered and nothing has been given back yet.
    """

    text: str = ""
    piece: int = 8
    delay_s: float = 0.0
    first_delay_s: float = 0.0
    hang: bool = False
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = ""
    chunk: int = 0
    cut_at: int | None = None
    clean_cut: bool = False
    refuses: tuple[str, ...] = ()
    usage: bool = True
    more_usage: dict[str, object] = field(default_factory=dict)
    finish: str | None = "stop"
    done: bool = True
    stream: bool = True
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReceivedChat:
    """One chat as it came in."""

    model: str
    body: dict[str, Any]
    headers: dict[str, str]


class OpenAIServer:
    """Counts what it is asked; `open` is the number of chats whose response is still under way."""

    def __init__(
        self, *, models: Iterable[str | dict[str, Any]] = ("alpha", "beta"), api_key: str = ""
    ) -> None:
        self.models = [{"id": each} if isinstance(each, str) else each for each in models]
        self.api_key = api_key
        self.default = Behaviour()
        self.by_model: dict[str, Behaviour] = {}
        self.next: deque[Behaviour] = deque()
        self.listing = Behaviour()
        self.chats: list[ReceivedChat] = []
        self.listings = 0
        self.open = 0
        self.connections: set[int] = set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; 0 takes a free port."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.get("/v1/models", self._list),
                web.get("/_stats", self._stats),
                web.post("/_behave", self._behave),
            ]
        )
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and break off whatever is under way."""
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def until_open(self, count: int, *, within_s: float = 1.0) -> bool:
        """Return whether exactly `count` chats are under way, now or within a moment."""
        for _ in range(round(within_s / 0.005)):
            if self.open == count:
                return True
            await asyncio.sleep(0.005)
        return self.open == count

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = str(body.get("model", ""))
        self.chats.append(ReceivedChat(model=model, body=body, headers=dict(request.headers)))
        behaviour = self.next.popleft() if self.next else self.by_model.get(model, self.default)
        async with self._counted(request):
            if refusal := self._refusal(request, behaviour, body):
                return refusal
            if behaviour.hang:
                await asyncio.sleep(FOREVER)
            return await _send(request, behaviour, _content(behaviour, model, body))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.listings += 1
        behaviour = self.listing
        if refusal := self._refusal(request, behaviour, {}):
            return refusal
        if behaviour.hang:
            await asyncio.sleep(FOREVER)
        listed = json.dumps({"object": "list", "data": self.models}).encode()
        return await _send(request, behaviour, listed if behaviour.body is None else behaviour.body)

    def _refusal(
        self, request: web.Request, behaviour: Behaviour, body: dict[str, Any]
    ) -> web.Response | None:
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return _error(401, "Incorrect API key provided.", "invalid_api_key")
        for name in behaviour.refuses:
            if name in body:
                return _error(400, f"Unsupported parameter: '{name}' is not supported.", name)
        return None

    @asynccontextmanager
    async def _counted(self, request: web.Request) -> AsyncIterator[None]:
        self.connections.add(id(request.transport))
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def _stats(self, _request: web.Request) -> web.Response:
        by_model = Counter(chat.model for chat in self.chats)
        return web.json_response(
            {
                "chats": len(self.chats),
                "open": self.open,
                "listings": self.listings,
                "connections": len(self.connections),
                "by_model": by_model,
            }
        )

    async def _behave(self, request: web.Request) -> web.Response:
        for model, fields in (await request.json()).items():
            if isinstance(fields.get("body"), str):
                fields["body"] = fields["body"].encode()
            self.by_model[model] = Behaviour(**fields)
        self.default = self.by_model.get("*", self.default)
        return web.json_response({})


def _error(status: int, message: str, code: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code, "type": "x"}}, status=status)


def _content(behaviour: Behaviour, model: str, body: dict[str, Any]) -> bytes:
    """Return the whole body of a chat's response."""
    if behaviour.body is not None:
        return behaviour.body
    results = [each["content"] for each in body.get("messages", []) if each["role"] == "tool"]
    if behaviour.calls and body.get("tools") and not results:
        return _calls(behaviour, model)
    text = behaviour.text or (" ".join(results) if results else f"Hello from {model}.")
    counts: dict[str, object] = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    usage = {**counts, **behaviour.more_usage} if behaviour.usage else None
    if not (behaviour.stream and body.get("stream")):
        choice = {"index": 0, "message": {"content": text}, "finish_reason": behaviour.finish}
        return json.dumps({"model": model, "choices": [choice], "usage": usage}).encode()
    return sse_answer(behaviour, model, text, usage if "stream_options" in body else None)


def _calls(behaviour: Behaviour, model: str) -> bytes:
    """Return tool calls as OpenAI streams them: the name first, the arguments in pieces."""
    deltas: list[dict[str, Any]] = []
    for index, (name, arguments) in enumerate(behaviour.calls):
        first = {"index": index, "id": f"call_{index}", "type": "function"}
        deltas.append({**first, "function": {"name": name, "arguments": ""}})
        deltas += [{"index": index, "function": {"arguments": each}} for each in arguments]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": {"tool_calls": [delta]}} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    events = [json.dumps({"model": model, "choices": [choice]}) for choice in choices]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


def sse_answer(
    behaviour: Behaviour, model: str = "alpha", text: str = "", usage: dict[str, object] | None = None
) -> bytes:
    """Return an answer as OpenAI streams it."""
    pieces = [text[start : start + behaviour.piece] for start in range(0, len(text), behaviour.piece)]
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"role": "assistant"}}]}]
    chunks += [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    if behaviour.finish:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": behaviour.finish}]})
    if usage:
        chunks.append({"choices": [], "usage": usage})
    events = [json.dumps({"model": model, **chunk}) for chunk in chunks]
    events += ["[DONE]"] if behaviour.done else []
    return "".join(f"data: {event}\n\n" for event in events).encode()


async def _send(request: web.Request, behaviour: Behaviour, content: bytes) -> web.StreamResponse:
    """Send `content` as the behaviour says: slowly, in pieces, cut off."""
    await asyncio.sleep(behaviour.first_delay_s)
    response = web.StreamResponse(status=behaviour.status, headers=behaviour.headers)
    sniffed = "text/event-stream" if content.startswith(b"data:") else "application/json"
    response.content_type = behaviour.content_type or sniffed
    if behaviour.clean_cut:
        response.force_close()
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    for part in _parts(content[: behaviour.cut_at], behaviour):
        await response.write(part)
        await asyncio.sleep(behaviour.delay_s)
    if behaviour.cut_at is not None and not behaviour.clean_cut and request.transport:
        request.transport.close()
    return response


def _parts(content: bytes, behaviour: Behaviour) -> list[bytes]:
    if behaviour.chunk:
        return [content[at : at + behaviour.chunk] for at in range(0, len(content), behaviour.chunk)]
    if behaviour.delay_s:
        return [part + b"\n\n" for part in content.split(b"\n\n") if part]
    return [content] if content else []


async def _serve(port: int, api_key: str, models: list[str]) -> None:
    server = OpenAIServer(models=models, api_key=api_key)
    await server.start(port)
    print(server.port, flush=True)  # noqa: T201  # how the parent learns it
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--api-key", default="")
    parser.add_argument("--model", action="append", default=[])
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.api_key, given.model or ["alpha", "beta"]))


if __name__ == "__main__":
    main()
