"""Keys of steps: made from a run's structure, short enough to be stored."""

from __future__ import annotations

import hashlib

LONGEST = 200
_DIGEST = 12


def step_key(*parts: str) -> str:
    """Join `parts` with slashes; beyond 200 characters the end gives way to a digest of the whole."""
    key = "/".join(parts)
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()[:_DIGEST]
    return f"{key[: LONGEST - _DIGEST - 1]}~{digest}"
