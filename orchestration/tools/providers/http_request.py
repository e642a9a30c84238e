"""The tool that sends HTTP requests, over the one guarded transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from orchestra_site.web.logs import is_secret, spellings
from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.errors import BadAnswer, InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import normalise_base_url, origin
from orchestration.llm.providers.exchange import reason
from orchestration.llm.providers.reading import KeyFilter, parse_json
from orchestration.tools.engine.builtin import arguments_schema
from orchestration.tools.engine.tool import Tool, ToolFailed, ToolFault, ToolSpec

LONGEST_ANSWER = 1_000_000
LONGEST_URL = 4_000
MOST_HEADERS, LONGEST_HEADER = 20, 2_000
LONGEST_QUOTE = 300
TIMEOUT_S = 30.0
CONNECTING = httpx.Timeout(None, connect=10.0, pool=10.0)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADER_NAME = Pattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
TEXT_TYPES = Pattern(r"(?:text/.*|application/(?:.*\+)?(?:json|xml|yaml|x-www-form-urlencoded))")
OF_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "te", "trailer", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpCredential:
    """What is sent in a header, to one origin (`scheme://host:port`) only; no repr shows the value."""

    name: str
    origin: str
    header: str
    value: str = field(repr=False)


FindCredential = Callable[[str], Awaitable[HttpCredential]]
"""Returns a credential by its name. Raises `ToolFailed`."""


def _spec() -> ToolSpec:
    headers = {"type": "object", "maxProperties": MOST_HEADERS, "additionalProperties": {"type": "string"}}
    return ToolSpec(
        name="http_request",
        title="The HTTP request",
        description="Sends a request to an address and gives status, type and body of the answer.",
        schema=arguments_schema(
            {"url": {"type": "string", "maxLength": LONGEST_URL}},
            method={"enum": list(METHODS), "description": "Without it GET."},
            headers=headers,
            body={"description": "A text is sent as it is, anything else as JSON."},
            credential={"type": "string", "description": "The name of a credential of the team."},
        ),
        repeatable=False,
        timeout_s=TIMEOUT_S,
    )


class HttpRequestTool(Tool):
    """Sends one request. Only a GET is sent again after a crash."""

    def __init__(self, client: Callable[[], httpx.AsyncClient], credential: FindCredential) -> None:
        super().__init__(_spec())
        self._client = client
        self._credential = credential

    def repeats(self, arguments: Mapping[str, Json]) -> bool:
        """Return whether it is a GET, which changes nothing."""
        return bool(arguments.get("method", "GET") == "GET")

    async def run(self, arguments: Mapping[str, Json]) -> Json:
        """Return `status`, `type` and `body`: JSON where it is some, else text."""
        url, its_origin = _address(arguments["url"])
        headers = _headers(arguments.get("headers", {}))
        secret = ""
        if "credential" in arguments:
            credential = await self._credential(arguments["credential"])
            if credential.origin != its_origin:
                raise _refused(
                    f"The credential “{credential.name}” is for {credential.origin} and is not sent to"
                    f" {its_origin}."
                )
            headers[credential.header] = secret = credential.value
        body = arguments.get("body")
        sent = {"content": body} if isinstance(body, str) else {"json": body}
        content = sent if "body" in arguments else {}
        method = arguments.get("method", "GET")
        try:
            request = self._client().build_request(
                method, url, headers=headers, timeout=CONNECTING, **content
            )
            response = await self._client().send(request, stream=True)
            try:
                return _result(response, await _read(response), secret)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise ToolFailed(f"{url.host} could not be reached: {reason(error)}.") from error


def _address(written: str) -> tuple[httpx.URL, str]:
    """Return an address and its origin. Raises `ToolFailed`."""
    try:
        url = httpx.URL(written.strip())
        if url.userinfo:
            raise _refused("The address must not contain a user name or password. Use a credential.")
        host = f"[{url.host}]" if ":" in url.host else url.host
        port = f":{url.port}" if url.port else ""
        return url, origin(normalise_base_url(f"{url.scheme}://{host}{port}"))
    except (httpx.InvalidURL, InvalidRequest, ValueError) as error:
        raise _refused(f"This address cannot be used: {error}") from error


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    for name, value in given.items():
        if name.lower() in OF_CREDENTIALS:
            raise _refused(f"The header {name} is sent with a credential of the team only: name one.")
        if not HEADER_NAME.fullmatch(name) or name.lower() in OF_THE_CONNECTION:
            raise _refused(f"The header {name[:80]!r} cannot be set.")
        if len(value) > LONGEST_HEADER or not value.isascii() or not value.isprintable():
            raise _refused(f"The value of the header {name} cannot be sent: it has to be printable ASCII.")
        headers[name] = value
    return headers


async def _read(response: httpx.Response) -> bytes:
    """Return the body of an answer, as far as it is text within the limit."""
    kind = response.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    if not TEXT_TYPES.fullmatch(kind):
        raise ToolFailed(f"{response.url.host} answered with {kind[:80]}, which is not text.")
    size, chunks = 0, []
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > LONGEST_ANSWER:
            raise BadAnswer(f"The answer of {response.url.host} is larger than {LONGEST_ANSWER:,} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _result(response: httpx.Response, raw: bytes, secret: str) -> Json:
    """Return what an answer says, without the credential. Raises `ToolFailed` for one that is an error."""
    parts = filter(is_secret, {secret, *secret.split()})
    shown = KeyFilter(form for part in parts for form in spellings(part))
    text = shown.feed(raw.decode("utf-8", "replace")) + shown.rest()
    status, host = response.status_code, response.url.host
    if response.is_redirect:
        raise ToolFailed(f"{host} answers with a redirect, which is not followed. Use the address itself.")
    if status >= HTTPStatus.BAD_REQUEST:
        said = " ".join(text[:LONGEST_QUOTE].split())
        raise ToolFailed(f"{host} answered with {status}: {said or 'nothing more'}")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = parse_json(text) if kind.endswith("json") else text
    except ValueError as error:
        raise ToolFailed(f"{host} announced JSON and sent something else.") from error
    return {"status": status, "type": kind, "body": body}


def _refused(message: str) -> ToolFailed:
    return ToolFailed(message, fault=ToolFault.REFUSED)
