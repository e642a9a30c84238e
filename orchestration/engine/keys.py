"""Keys of steps: made from a run's structure, short enough to be stored."""

from __future__ import annotations

import hashlib

LONGEST = 200
_DIGEST = 16


def bounded(key: str) -> str:
    """Return `key`, its end replaced by a digest of the whole where it is longer than 200 characters."""
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:_DIGEST]
    return f"{key[: LONGEST - _DIGEST - 1]}~{digest}"


def step_key(*parts: str) -> str:
    """Join `parts` with slashes into the key of a step, at most 200 characters long."""
    return bounded("/".join(parts))
