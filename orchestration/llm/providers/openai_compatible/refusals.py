"""Refusals of an OpenAI-compatible server: what they mean, and what to leave out of the next request."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import httpx

from orchestra_site.web.patterns import IGNORECASE, Pattern
from orchestration.llm.engine.errors import (
    AuthenticationRejected,
    BadAnswer,
    ContentRefused,
    ContextWindowExceeded,
    ModelError,
    ModelNotFound,
    ModelTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestRejected,
)
from orchestration.llm.engine.types import Capability, Json, ModelSpec, Prompt
from orchestration.llm.providers.addresses import Endpoint, path_hint
from orchestration.llm.providers.openai_compatible.tool_calls import written_message, written_tools
from orchestration.llm.providers.reading import mapping, parse_json, retry_after, string

TOO_LONG = Pattern(
    r"context.?length|context.?window|maximum context|context_size|too many (input )?tokens"
    r"|(prompt|input) is too long|reduce the length",
    IGNORECASE,
)
FILTERED = Pattern(r"content.?(filter|policy|management)|responsible.?ai|moderation", IGNORECASE)
NO_TOOLS = Pattern(
    r"(not|n't) support (the use of )?(tools?\b|function.?call)|tool.?call.?parser", IGNORECASE
)
NO_CREDIT = Pattern(
    r"insufficient.?(quota|balance|credit|funds)|billing|exceeded your current quota", IGNORECASE
)

STATUS_BY_CODE = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
}
REJECTED = frozenset({400, 422})
TIMED_OUT = frozenset({408, 504, 524})
"""Timeouts behind the server that answers: the model may have worked, and be billed."""
OPTIONAL = ("stream_options", "response_format", "seed", "temperature", "stop", "stream")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error response of a provider: its status, its message, and its own codes."""

    status: int
    words: str = ""
    codes: str = ""

    @classmethod
    def from_body(cls, status: int, body: bytes) -> Refusal:
        """Read the body of a response that is not a success: JSON, a web page or plain text."""
        try:
            return cls._from_json(status, parse_json(body))
        except ValueError:
            text = body.decode("utf-8", "replace")
            return cls(status, "" if text.lstrip().startswith("<") else text)

    @classmethod
    def from_event(cls, chunk: Mapping[str, Json]) -> Refusal:
        """Read an error object that was streamed instead of a piece of the answer."""
        error = mapping(chunk.get("error")) or chunk
        for said in (error.get("code"), error.get("status"), error.get("type")):
            if isinstance(said, int) and 400 <= said < 600:  # noqa: PLR2004  # error statuses
                return cls._from_json(said, chunk)
            if isinstance(said, str) and said in STATUS_BY_CODE:
                return cls._from_json(STATUS_BY_CODE[said], chunk)
        return cls._from_json(500, chunk)

    @classmethod
    def _from_json(cls, status: int, value: Json) -> Refusal:
        outer = mapping(value)
        error = mapping(outer.get("error")) or outer
        said = error.get("message") or outer.get("error") or outer.get("detail") or ""
        codes = " ".join(string(error.get(name)) for name in ("code", "type", "param"))
        return cls(status, said if isinstance(said, str) else str(said), codes)

    def matches(self, pattern: Pattern) -> bool:
        """Return whether `pattern` is found in the codes or the message."""
        return pattern.search(f"{self.codes} {self.words}") is not None


NO_CREDIT_LEFT = "The account at {host} has no credit left ({status}). Top it up, or use another."
NOT_FOUND = "{host} has {asked}, or the address is not that of its API ({status}).{hint}"
FILTER_REFUSED = "The content filter of {host} refused ({status}){said}"
DOES_NOT_FIT = "The prompt is longer than the model at {host} can read ({status}){said}"
CALLS_NO_TOOLS = (
    "{host} does not let {model!r} call tools ({status}). Take that mark off the model under Models{said}"
)
REDIRECTED = "{host} redirects to {target} ({status}), and redirects are not followed. Use the final address."
MEANINGS: tuple[tuple[Container[int], Pattern | None, type[ModelError], str], ...] = (
    ([429], NO_CREDIT, RequestRejected, NO_CREDIT_LEFT),
    ([402], None, RequestRejected, NO_CREDIT_LEFT),
    ([429], None, RateLimited, "{host} asks to slow down ({status}){said}"),
    ([401], None, AuthenticationRejected, "{host} refused the key ({status}). Check the key under Models."),
    ([403], FILTERED, ContentRefused, FILTER_REFUSED),
    ([403], None, AuthenticationRejected, "{host} does not let this key do that ({status}){said}"),
    ([404], None, ModelNotFound, NOT_FOUND),
    ([408], None, ModelTimeout, "{host} timed out while it answered ({status}). Try again."),
    (range(400, 500), TOO_LONG, ContextWindowExceeded, DOES_NOT_FIT),
    (range(400, 500), FILTERED, ContentRefused, FILTER_REFUSED),
    (range(400, 500), NO_TOOLS, RequestRejected, CALLS_NO_TOOLS),
    (range(400, 500), None, RequestRejected, "{host} refused the request ({status}){said}"),
    (range(500, 600), None, ProviderUnavailable, "{host} reports an error on its side ({status}){said}"),
    (range(300, 400), None, RequestRejected, REDIRECTED),
)
"""Statuses, what message and codes must match, the error, its sentence; the first row that fits is used."""


def model_error(
    refusal: Refusal, endpoint: Endpoint, model: str, headers: Mapping[str, str] | None = None
) -> ModelError:
    """Return the error that `refusal` means."""
    status, given = refusal.status, headers or {}
    kind, sentence = next(
        (
            (kind, sentence)
            for statuses, pattern, kind, sentence in MEANINGS
            if status in statuses and (pattern is None or refusal.matches(pattern))
        ),
        (BadAnswer, "{host} answered with status {status} and no answer."),
    )
    if kind is AuthenticationRejected and not endpoint.api_key:
        sentence = "{host} asks for a key ({status}). Enter one under Models."
    quoted = endpoint.quote(refusal.words)
    error = kind(
        sentence.format(
            host=endpoint.host,
            model=model,
            status=status,
            said=f": {quoted}" if quoted else ".",
            asked=f"no model {model!r}" if model else "nothing at this path",
            hint=path_hint(endpoint.base_url),
            target=endpoint.quote(given.get("location", "")) or "another address",
        )
    )
    error.billed = status in TIMED_OUT
    if isinstance(error, RateLimited):
        error.retry_after_s = retry_after(given, datetime.now(UTC))
    return error


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server is asked: without the parameters it refused, with its name for the length limit."""

    without: frozenset[str] = frozenset()
    length_limit: str = "max_tokens"

    def body(self, spec: ModelSpec, prompt: Prompt) -> dict[str, Json]:
        """Return the request body, less what the server does not know."""
        whole: dict[str, Json] = {
            "model": spec.remote_name,
            "messages": list(map(written_message, prompt.messages)),
            self.length_limit: prompt.output_limit(spec),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": prompt.temperature,
            "seed": prompt.seed,
            "stop": list(prompt.stop) or None,
            "response_format": _response_format(spec, prompt),
            "tools": written_tools(prompt.tools),
        }
        return {key: value for key, value in whole.items() if value is not None and key not in self.without}

    def adapted(self, refusal: Refusal, body: dict[str, Json]) -> Dialect | None:
        """Return the dialect to try after `refusal` of `body`; None when its parameters were not the reason.

        A refusal that names no parameter is attributed to `stream_options`, which older servers reject so.
        """
        if refusal.status not in REJECTED or refusal.matches(TOO_LONG):
            return None
        if self.length_limit == "max_tokens" and _names(refusal, "max_completion_tokens"):
            return replace(self, length_limit="max_completion_tokens")
        if self.length_limit != "max_tokens" and _names(refusal, self.length_limit):
            return None
        named = [name for name in OPTIONAL if name in body and _names(refusal, name)]
        if not named and "stream_options" in body:
            named = ["stream_options"]
        if "stream" in named:
            named.append("stream_options")
        return replace(self, without=self.without | set(named)) if named else None


_learned: WeakKeyDictionary[httpx.AsyncClient, dict[tuple[str, str], Dialect]] = WeakKeyDictionary()


def learned_dialects(client: httpx.AsyncClient) -> dict[tuple[str, str], Dialect]:
    """Return the dialects learned through `client`, by base address and model; kept as long as the client."""
    return _learned.setdefault(client, {})


def _names(refusal: Refusal, parameter: str) -> bool:
    """Return whether the refusal names the parameter, and not just uses an everyday word."""
    if parameter in refusal.codes.split():
        return True
    plain_word = "_" in parameter or parameter == "temperature"
    pattern = rf"\b{parameter}\b" if plain_word else rf"['\"`.]{parameter}['\"`]"
    return Pattern(pattern).search(refusal.words) is not None


def _response_format(spec: ModelSpec, prompt: Prompt) -> Json:
    if prompt.response_schema is None or Capability.JSON_SCHEMA not in spec.capabilities:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(prompt.response_schema)}}
