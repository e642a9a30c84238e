"""Between the engine's values and the plain JSON of the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from uuid import UUID

from orchestration.engine.context.protocol import Person, Received
from orchestration.engine.errors import EngineError, ModelError, RecordedFailure
from orchestration.engine.types import Completion, FinishReason, Json, Outcome, Prompt, Usage


def digest(*parts: Json) -> str:
    """Return a SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_as_plain).encode()).hexdigest()


def prompt_digest(model: str, prompt: Prompt) -> str:
    """Return what tells one question to one model from another."""
    return digest(model, prompt)


def plain(value: Json) -> Json:
    """Return `value` as it comes back from a journal: through JSON once, money as text.

    Raises `TypeError` for what cannot be journaled.
    """
    return json.loads(json.dumps(value, default=_as_plain))


def _as_plain(value: object) -> Json:
    """Return one level of a value that JSON does not know."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    message = f"{type(value).__name__} cannot be journaled."
    raise TypeError(message)


def outcome_to_json(outcome: Outcome) -> dict[str, Json]:
    """Return an outcome as plain JSON."""
    result: dict[str, Json] = plain(outcome)
    return result


def completion_to_json(completion: Completion) -> dict[str, Json]:
    """Return a completion as plain JSON."""
    result: dict[str, Json] = plain(completion)
    return result


def completion_from_json(stored: dict[str, Json]) -> Completion:
    """Return the completion that `completion_to_json` stored."""
    cost = stored["cost_usd"]
    return Completion(
        **{
            **stored,
            "usage": Usage(**stored["usage"]),
            "finish": FinishReason(stored["finish"]),
            "cost_usd": None if cost is None else Decimal(cost),
        }
    )


def received_from_json(stored: dict[str, Json] | None) -> Received | None:
    """Return the message that a step stored, None where it stored that none came."""
    if stored is None:
        return None
    return Received(number=stored["number"], by=Person(**stored["by"]), payload=stored["payload"])


def error_to_json(error: EngineError) -> dict[str, Json]:
    """Return an error as plain JSON."""
    return {
        "code": error.code,
        "message": str(error),
        "billed": isinstance(error, ModelError) and error.billed,
    }


def error_from_json(stored: dict[str, Json]) -> RecordedFailure:
    """Return a stored model error as one that can be raised again."""
    return RecordedFailure(stored["message"], code=stored["code"], billed=stored["billed"])
