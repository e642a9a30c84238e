"""From a status and a body to one of the engine's errors, with a sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from orchestration.engine.errors import (
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
from orchestration.engine.types import Json
from orchestration.providers.address import path_hint
from orchestration.providers.endpoint import Endpoint
from orchestration.providers.json_values import mapping, parse_json, text_of
from orchestration.providers.retry_after import retry_after

TOO_LONG = re.compile(
    r"context.?length|context.?window|maximum context|context_size|too many (input )?tokens"
    r"|(prompt|input) is too long|reduce the length",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content.?(filter|policy|management)|responsible.?ai|moderation", re.IGNORECASE)
NO_CREDIT = re.compile(
    r"insufficient.?(quota|balance|credit|funds)|billing|exceeded your current quota", re.IGNORECASE
)

STATUS_OF_WORD = {
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a provider said instead of an answer: its status, its words, and its own codes for them."""

    status: int
    words: str = ""
    codes: str = ""

    @classmethod
    def of_body(cls, status: int, body: bytes) -> Refusal:
        """Read the body of a response that is no success, whatever it is."""
        try:
            return cls._of_json(status, parse_json(body))
        except ValueError:
            text = body.decode("utf-8", "replace")
            return cls(status, "" if text.lstrip().startswith("<") else text)

    @classmethod
    def of_event(cls, chunk: Mapping[str, Json]) -> Refusal:
        """Read an error object that came where a piece of the answer should be."""
        error = mapping(chunk.get("error")) or chunk
        for said in (error.get("code"), error.get("status"), error.get("type")):
            if isinstance(said, int) and 400 <= said < 600:  # noqa: PLR2004  # error statuses
                return cls._of_json(said, chunk)
            if isinstance(said, str) and said in STATUS_OF_WORD:
                return cls._of_json(STATUS_OF_WORD[said], chunk)
        return cls._of_json(500, chunk)

    @classmethod
    def _of_json(cls, status: int, value: Json) -> Refusal:
        outer = mapping(value)
        error = mapping(outer.get("error")) or outer
        said = error.get("message") or outer.get("error") or outer.get("detail") or ""
        codes = " ".join(text_of(error.get(name)) for name in ("code", "type", "param"))
        return cls(status, said if isinstance(said, str) else str(said), codes)

    @property
    def everything(self) -> str:
        """Words and codes, to be searched."""
        return f"{self.codes} {self.words}"

    @property
    def is_about_length(self) -> bool:
        """True when the prompt did not fit."""
        return bool(TOO_LONG.search(self.everything))


def failure_of(
    refusal: Refusal, endpoint: Endpoint, model: str, headers: Mapping[str, str] | None = None
) -> ModelError:
    """Return the error that `refusal` means."""
    told = _Told(refusal, endpoint, model, headers or {})
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS and NO_CREDIT.search(refusal.everything):
        return told.no_credit()
    by_status = {
        HTTPStatus.UNAUTHORIZED: told.access,
        HTTPStatus.FORBIDDEN: told.filtered if FILTERED.search(refusal.everything) else told.access,
        HTTPStatus.PAYMENT_REQUIRED: told.no_credit,
        HTTPStatus.NOT_FOUND: told.not_found,
        HTTPStatus.REQUEST_TIMEOUT: told.gave_up,
        HTTPStatus.TOO_MANY_REQUESTS: told.too_fast,
    }
    if refusal.status in by_status:
        return by_status[HTTPStatus(refusal.status)]()
    return told.by_class()


class _Told:
    """The sentences about one refusal."""

    def __init__(self, refusal: Refusal, endpoint: Endpoint, model: str, headers: Mapping[str, str]) -> None:
        self._refusal = refusal
        self._endpoint = endpoint
        self._host = endpoint.host
        self._status = refusal.status
        self._model = model
        self._headers = headers
        quoted = endpoint.quote(refusal.words)
        self._said = f": {quoted}" if quoted else "."

    def access(self) -> ModelError:
        if not self._endpoint.api_key:
            return AuthenticationRejected(
                f"{self._host} asks for a key ({self._status}). Enter one under Models."
            )
        if self._status == HTTPStatus.UNAUTHORIZED:
            return AuthenticationRejected(f"{self._host} refused the key (401). Check the key under Models.")
        return AuthenticationRejected(f"{self._host} does not let this key do that (403){self._said}")

    def no_credit(self) -> ModelError:
        message = (
            f"The account at {self._host} has no credit left ({self._status}). Top it up, or use another."
        )
        return RequestRejected(message)

    def not_found(self) -> ModelError:
        asked = f"no model {self._model!r}" if self._model else "nothing at this path"
        hint = path_hint(self._endpoint.base_url)
        return ModelNotFound(f"{self._host} has {asked}, or the address is not that of its API (404).{hint}")

    def filtered(self) -> ModelError:
        return ContentRefused(f"The content filter of {self._host} refused ({self._status}){self._said}")

    def gave_up(self) -> ModelError:
        return ModelTimeout(f"{self._host} gave up waiting for its own answer (408). Try again.")

    def too_fast(self) -> ModelError:
        wait = retry_after(self._headers, datetime.now(UTC))
        return RateLimited(f"{self._host} asks to slow down (429){self._said}", retry_after_s=wait)

    def by_class(self) -> ModelError:
        """Return the error for a status that has no meaning of its own here."""
        match self._status // 100:
            case 5:
                return ProviderUnavailable(
                    f"{self._host} has a problem of its own ({self._status}){self._said}"
                )
            case 4:
                return self._rejected()
            case 3:
                return RequestRejected(self._redirected())
            case _:
                return BadAnswer(f"{self._host} answered with status {self._status} and no answer.")

    def _rejected(self) -> ModelError:
        if self._refusal.is_about_length:
            return ContextWindowExceeded(
                f"The prompt is longer than the model at {self._host} can read ({self._status}){self._said}"
            )
        if FILTERED.search(self._refusal.everything):
            return self.filtered()
        return RequestRejected(f"{self._host} refused the request ({self._status}){self._said}")

    def _redirected(self) -> str:
        target = self._endpoint.quote(self._headers.get("location", "")) or "another address"
        return (
            f"{self._host} redirects to {target} ({self._status}), and redirects are not followed."
            " Use the final address."
        )
