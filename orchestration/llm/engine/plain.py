"""Values as plain JSON, and digests of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from uuid import UUID

from orchestration.llm.engine.types import Json


def digest(*parts: Json) -> str:
    """Return a SHA-256 over the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=_as_plain).encode()).hexdigest()


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
        return {each.name: getattr(value, each.name) for each in fields(value)}
    message = f"{type(value).__name__} cannot be journaled."
    raise TypeError(message)
