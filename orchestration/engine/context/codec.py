"""Between the engine's values and the plain JSON of the journal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from decimal import Decimal

from orchestration.engine.errors import EngineError, ModelError, RecordedFailure
from orchestration.engine.types import Completion, FinishReason, Json, Outcome, Prompt, Usage


def digest(*parts: Json) -> str:
    """Return a SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def prompt_digest(model: str, prompt: Prompt) -> str:
    """Return what tells one question to one model from another."""
    return digest(model, asdict(prompt))


def plain(value: Json) -> Json:
    """Return `value` as it comes back from a journal: through JSON once, money as strings."""
    return json.loads(json.dumps(value, default=_as_text))


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    message = f"{type(value).__name__} cannot be journaled."
    raise TypeError(message)


def outcome_to_json(outcome: Outcome) -> dict[str, Json]:
    """Return an outcome as plain JSON."""
    result: dict[str, Json] = plain(asdict(outcome))
    return result


def completion_to_json(completion: Completion) -> dict[str, Json]:
    """Return a completion as plain JSON."""
    result: dict[str, Json] = plain(asdict(completion))
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
