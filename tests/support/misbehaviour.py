"""At least sixty ways in which a model misbehaves, each with the code of the error it must end in.

`OK` marks odd answers that are answers all the same. What is served over plain HTTP is a `Behaviour` of
`OpenAIServer`; what breaks HTTP itself is the raw bytes of a response, for `raw_server`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from tests.support.openai_server import Behaviour, sse_answer

OK = ""
HEALTHY = "It is 42."
WHOLE = sse_answer(Behaviour(), text=HEALTHY, usage={"prompt_tokens": 11, "completion_tokens": 7})
TEXT = "word " * 50


def events(*chunks: Any, end: str = "data: [DONE]\n\n") -> bytes:  # noqa: ANN401  # any JSON
    return ("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end).encode()


def said(content: object, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]}


def refused(status: int, error: object = "no", **headers: str) -> Behaviour:
    return Behaviour(status=status, body=json.dumps({"error": error}).encode(), headers=headers)


def body(content: bytes, **fields: Any) -> Behaviour:  # noqa: ANN401  # fields of Behaviour
    return Behaviour(body=content, **fields)


def message(**fields: object) -> Behaviour:
    return body(json.dumps({"choices": [{"message": fields, "finish_reason": "stop"}]}).encode())


def packed(content: bytes, encoding: str) -> Behaviour:
    return body(content, content_type="text/event-stream", headers={"Content-Encoding": encoding})


STATUSES = {
    "asks for a key": (refused(401), "authentication_rejected"),
    "forbids": (refused(403), "authentication_rejected"),
    "moderates": (refused(403, {"message": "flagged by moderation"}), "content_refused"),
    "has no such model": (refused(404), "model_not_found"),
    "wants to be paid": (refused(402), "request_rejected"),
    "has no credit left": (refused(429, {"code": "insufficient_quota"}), "request_rejected"),
    "is busy": (refused(429), "rate_limited"),
    "is busy for ever": (refused(429, **{"Retry-After": "1e99"}), "rate_limited"),
    "is busy until a date that is none": (refused(429, **{"Retry-After": "Wed, 99 Foo"}), "rate_limited"),
    "times out": (refused(408), "model_timeout"),
    "has a gateway that times out": (refused(504), "provider_unavailable"),
    "reads less": (refused(400, {"code": "context_length_exceeded"}), "context_window_exceeded"),
    "refuses the request": (refused(400), "request_rejected"),
    "refuses as a teapot": (refused(418), "request_rejected"),
    "redirects": (Behaviour(status=307, body=b"", headers={"Location": "/elsewhere"}), "request_rejected"),
    "is broken": (refused(500), "provider_unavailable"),
    "is broken in HTML": (Behaviour(status=502, body=b"<html>Bad gateway</html>"), "provider_unavailable"),
    "is broken and compressed": (
        Behaviour(status=500, body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}),
        "provider_unavailable",
    ),
    "is overloaded": (refused(529), "provider_unavailable"),
    "answers with status 299": (Behaviour(status=299, body=WHOLE), "bad_answer"),
}
NO_API = {
    "is a web page": (body(b"<!DOCTYPE html><html>Welcome</html>"), "bad_answer"),
    "is plain text": (body(b"It works!"), "bad_answer"),
    "says nothing": (body(b""), "bad_answer"),
    "says blanks": (body(b"\r\n \t\n" * 5000), "bad_answer"),
    "is another JSON": (body(b'{"status": "ok"}'), "bad_answer"),
    "is a JSON list": (body(b"[]"), "bad_answer"),
    "is a JSON string": (body(b'"yes"'), "bad_answer"),
    "is another API with events": (body(events({"type": "message_start"}, end="")), "bad_answer"),
    "sends no blank lines": (body(WHOLE.replace(b"\n\n", b"\n")), "bad_answer"),
    "is binary": (body(bytes(range(128, 256)) * 9), "bad_answer"),
    "sends broken JSON": (body(b"data: {not json}\n\n"), "bad_answer"),
    "sends JSON that ends early": (body(b'{"choices": [{"message": {"con'), "bad_answer"),
    "nests without end": (body(b"data: " + b"[" * 200_000 + b"\n\n"), "bad_answer"),
    "nests objects": (body(b'{"a":' * 100_000), "bad_answer"),
    "sends bytes that are no UTF-8": (
        body(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'),
        "bad_answer",
    ),
    "sends an event of 5 MB": (body(b"data: " + b"x" * 5_000_000), "bad_answer"),
    "sends a line of 5 MB without an end": (body(b": " + b"x" * 5_000_000), "bad_answer"),
    "sends 20 MB of comments": (body(b": %b\n\n" % (b"x" * 200) * 100_000), "bad_answer"),
    "compresses with brotli": (packed(WHOLE, "br"), "bad_answer"),
    "says gzip and is not": (packed(WHOLE, "gzip"), "bad_answer"),
    "is a bomb": (packed(gzip.compress(b": %b\n" % (b"x" * 200) * 100_000), "gzip"), "bad_answer"),
}
EMPTY = {
    "only ends": (body(b"data: [DONE]\n\n"), "bad_answer"),
    "answers with blanks": (body(events(said("\xa0 \n", "stop"))), "bad_answer"),
    "answers with null": (message(content=None), "bad_answer"),
    "answers with a number": (message(content=42), "bad_answer"),
    "only reasons": (
        body(events({"choices": [{"delta": {"reasoning_content": "Hm"}}]}, said("", "length"))),
        "bad_answer",
    ),
    "only calls tools": (
        body(events({"choices": [{"delta": {"tool_calls": [{"id": "1"}]}, "finish_reason": "tool_calls"}]})),
        "bad_answer",
    ),
    "filters everything": (body(events(said("", "content_filter"))), "content_refused"),
    "has choices that are none": (body(b'data: {"choices": 7}\n\ndata: [DONE]\n\n'), "bad_answer"),
}
ENDINGS = {
    "breaks off": (body(WHOLE, cut_at=len(WHOLE) // 2), "stream_broken"),
    "breaks off cleanly": (body(WHOLE, cut_at=len(WHOLE) // 2, clean_cut=True), "stream_broken"),
    "sends comments and ends": (body(b": nothing\n\n"), "stream_broken"),
    "gives up": (body(events(said("Half"), said("", "error"))), "provider_unavailable"),
    "is aborted": (body(events(said("Half"), said("", "abort"))), "provider_unavailable"),
    "fails in mid-stream": (
        body(events(said("Half"), {"error": {"message": "overloaded", "code": 503}})),
        "provider_unavailable",
    ),
    "is rate limited in mid-stream": (body(events(said("Half"), {"error": {"code": 429}})), "rate_limited"),
    "never answers": (Behaviour(hang=True), "model_timeout"),
    "stops in mid-answer": (Behaviour(text="abc" * 90, chunk=200, delay_s=30), "model_timeout"),
    "drips for ever": (body(b": still there\n\n" * 9000, chunk=15, delay_s=0.05), "model_timeout"),
    "reasons for ever": (
        body(events({"choices": [{"delta": {"reasoning": "Hm"}}]}, end="") * 900, chunk=60, delay_s=0.05),
        "model_timeout",
    ),
}
ODD = {
    "ignores its limit": (Behaviour(text=TEXT * 90, piece=4), OK),
    "ignores its limit at once": (Behaviour(text=TEXT * 90, stream=False), OK),
    "does not stream": (Behaviour(stream=False, text=HEALTHY), OK),
    "begins with a byte order mark": (body(b"\xef\xbb\xbf" + WHOLE), OK),
    "writes CRLF": (body(WHOLE.replace(b"\n", b"\r\n")), OK),
    "sends byte by byte": (body(WHOLE, chunk=1), OK),
    "does not end": (Behaviour(text=HEALTHY, done=False), OK),
    "gives no reason for its end": (Behaviour(text=HEALTHY, finish=None), OK),
    "refuses stream_options": (Behaviour(text=HEALTHY, refuses=("stream_options",)), OK),
    "refuses to stream": (Behaviour(text=HEALTHY, refuses=("stream",)), OK),
    "counts impossible tokens": (
        body(events(said("Yes", "stop"), {"choices": [], "usage": {"prompt_tokens": -5}})),
        OK,
    ),
    "counts 400 digits of tokens": (
        body(events(said("Yes", "stop"), {"choices": [], "usage": {"completion_tokens": 10**400}})),
        OK,
    ),
    "sends NUL and half characters": (body(events(said("a\0b \ud83d c", "stop"))), OK),
    "answers twice": (
        body(events({"choices": [{"index": 1, "delta": {"content": "no"}}, {"delta": {"content": "yes"}}]})),
        OK,
    ),
    "compresses": (packed(gzip.compress(WHOLE), "gzip"), OK),
    "compresses in two members": (packed(gzip.compress(WHOLE[:90]) + gzip.compress(WHOLE[90:]), "gzip"), OK),
    "deflates": (packed(zlib.compress(WHOLE), "deflate"), OK),
    "claims to be a web page": (body(WHOLE, content_type="text/html"), OK),
    "keeps the connection busy with comments": (body(b": hm\n\n" * 2000 + WHOLE), OK),
}
KINDS: dict[str, tuple[Behaviour, str]] = {**STATUSES, **NO_API, **EMPTY, **ENDINGS, **ODD}
"""By what the model does: how the server behaves, and the code of the error, `OK` for an answer."""

RAW: dict[str, tuple[bytes, str]] = {
    "closes at once": (b"", "provider_unavailable"),
    "sends rubbish": (b"\x00\xff\xfe", "provider_unavailable"),
    "is SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", "provider_unavailable"),
    "has no status": (b"HTTP/1.1 abc\r\n\r\n", "provider_unavailable"),
    "has a length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "provider_unavailable"),
    "has an endless header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, "provider_unavailable"),
    "sends half its length": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ndata: x", "stream_broken"),
    "chunks wrongly": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "provider_unavailable",
    ),
}
"""What is sent instead of a response, and the code of the error."""
