"""Every error that models and providers raise; each engine above adds its own branch.

EngineError
├── ModelError                     one model could not answer; others may
│   ├── ProviderUnavailable        retryable: connection refused, reset, 5xx, overloaded
│   ├── RateLimited                retryable: 429, with the wait the provider asked for
│   ├── ModelTimeout               retryable: nothing came in time; not once the whole time limit has passed
│   ├── StreamBroken               retryable: the stream ended before its end mark
│   ├── BadAnswer                  not retryable: HTML, invalid JSON, bad UTF-8, too large, empty
│   ├── AuthenticationRejected     not retryable: 401 or 403
│   ├── ModelNotFound              not retryable: 404
│   ├── RequestRejected            not retryable: any other 4xx
│   │   └── ContextWindowExceeded  the prompt does not fit: a larger window may answer
│   ├── ContentRefused             not retryable: the provider's filter refused
│   ├── AddressRefused             not retryable: the address guard refused to connect
│   ├── CircuitOpen                not retryable now: the model failed too often lately
│   └── ModelUnavailable           not retryable: the model is disabled or its secret cannot be read
├── CodedError                     what failed is told by a code of its own: a stage, a run inside another
└── InvalidRequest                 the user's fault: what is wrong, at which field
"""

from __future__ import annotations

from enum import StrEnum

from orchestration.llm.engine.types import Usage


class Consequence(StrEnum):
    """What follows from an error."""

    RETRYABLE = "retryable"
    FATAL_FOR_MODEL = "fatal_for_model"
    FATAL_FOR_RUN = "fatal_for_run"
    USERS_FAULT = "users_fault"
    SILENT = "silent"


class EngineError(Exception):
    """Base of all. `code` is stable and goes into records; the message is a sentence for a person."""

    consequence: Consequence = Consequence.FATAL_FOR_RUN

    @property
    def code(self) -> str:
        """The class name in snake case."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class CodedError(EngineError):
    """A failure whose `code` comes from what failed."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self._code = code

    @property
    def code(self) -> str:
        """What kind of failure it was."""
        return self._code


class ModelError(EngineError):
    """One model could not answer.

    `billed` is True when the provider may charge for the failed attempt (something had been produced).
    `usage` is what it reported for the attempt, None when it did not.
    """

    consequence = Consequence.FATAL_FOR_MODEL
    billed: bool = False
    usage: Usage | None = None


class ProviderUnavailable(ModelError):
    """The provider could not be reached or answered with a server error."""

    consequence = Consequence.RETRYABLE


class RateLimited(ModelError):
    """The provider asked to wait. `retry_after_s` is None when it did not say how long."""

    consequence = Consequence.RETRYABLE

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelTimeout(ModelError):
    """A deadline passed: first event, idle, or total.

    `final` is True where the call has used up its whole time limit: another attempt would only do so again.
    """

    consequence = Consequence.RETRYABLE

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        if final:
            self.consequence = Consequence.FATAL_FOR_MODEL


class StreamBroken(ModelError):
    """The stream ended before the provider said it was complete."""

    consequence = Consequence.RETRYABLE
    billed = True


class BadAnswer(ModelError):
    """The provider answered with something that is not an answer."""


class AuthenticationRejected(ModelError):
    """The provider refused the key."""


class ModelNotFound(ModelError):
    """The provider has no such model or path."""


class RequestRejected(ModelError):
    """The provider refused the request as malformed or unsupported."""


class ContextWindowExceeded(RequestRejected):
    """The prompt is longer than the model can read."""


class ContentRefused(ModelError):
    """The provider's content filter refused the prompt or the answer."""


class AddressRefused(ModelError):
    """The address guard refused to connect."""


class CircuitOpen(ModelError):
    """The model failed too often lately; `retry_in_s` says when it is tried again."""

    def __init__(self, message: str, *, retry_in_s: float) -> None:
        super().__init__(message)
        self.retry_in_s = retry_in_s


class ModelUnavailable(ModelError):
    """The model is disabled or its secret cannot be read."""


class InvalidRequest(EngineError):
    """What a member asked for cannot be run. `field` names the form field at fault.

    Where several are, `errors` has the fault of each.
    """

    consequence = Consequence.USERS_FAULT

    def __init__(self, message: str, *, field: str = "", errors: tuple[InvalidRequest, ...] = ()) -> None:
        super().__init__(message)
        self.field, self.errors = field, errors
