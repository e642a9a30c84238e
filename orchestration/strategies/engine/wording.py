"""How strategies put numbers into sentences."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Return an amount in US dollars: cents, or two significant digits below a cent."""
    if amount == 0:
        return "$0"
    if abs(amount) >= CENT:
        return f"${amount:.2f}"
    digits = -amount.adjusted() + 1
    return f"${amount:.{digits}f}"


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 call, 2 calls."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
