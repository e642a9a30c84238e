"""Chance that is no chance: numbers drawn from a hash, the same in every run and on every machine.

Two draws on different parts are independent of each other, as far as SHA-256 is.
"""

from __future__ import annotations

import hashlib
from random import Random

# Which questions a model gets wrong hangs on this; how many does not.
_CATALOGUE_SEED = "1"


def _digest(parts: tuple[str | int, ...]) -> int:
    joined = "\x1f".join(str(part) for part in (_CATALOGUE_SEED, *parts))
    return int.from_bytes(hashlib.sha256(joined.encode()).digest()[:8], "big")


def draw(*parts: str | int) -> float:
    """Return a number from 0 up to 1."""
    return (_digest(parts) >> 11) / 2**53


def dice(*parts: str | int) -> Random:
    """Return a generator for choices among plausible slips."""
    return Random(_digest(parts))  # noqa: S311  # repeatable on purpose, guards nothing
