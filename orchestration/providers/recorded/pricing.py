"""The list price behind recorded costs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from orchestration.engine.types import MILLION, Prices

PLACES = Decimal("0.000001")
FLAT = 1e-9
ROUNDED = Decimal("0.0005")
"""A price of three digits that is this near, in proportion, is meant."""
Row = tuple[int, int, Decimal]
"""Tokens of the prompt, tokens of the answer, US dollars."""


def recovered_prices(rows: Iterable[Row]) -> Prices | None:
    """Return the prices per million tokens that explain the costs best, None without costs.

    Least squares over both prices; where that gives a negative one, or prompts and answers always go
    together, one price for both.
    """
    known = list(rows)
    tokens = sum(given + made for given, made, _ in known)
    if not tokens:
        return None
    both = float(sum(cost for _, _, cost in known)) / tokens
    given, made = _least_squares(known) or (both, both)
    return Prices(input_per_million=_per_million(given), output_per_million=_per_million(made))


def _least_squares(rows: list[Row]) -> tuple[float, float] | None:
    gg = float(sum(given * given for given, _, _ in rows))
    gm = float(sum(given * made for given, made, _ in rows))
    mm = float(sum(made * made for _, made, _ in rows))
    gc = sum(given * float(cost) for given, _, cost in rows)
    mc = sum(made * float(cost) for _, made, cost in rows)
    determinant = gg * mm - gm * gm
    if determinant <= FLAT * gg * mm:
        return None
    prices = (gc * mm - mc * gm) / determinant, (mc * gg - gc * gm) / determinant
    return prices if min(prices) >= 0 else None


def _per_million(dollars: float) -> Decimal:
    """Return a price as it would stand in a list: costs are rounded, and so is what comes out of them."""
    exact = Decimal(repr(dollars)) * MILLION
    plain = Decimal(f"{exact:.3g}")
    return (plain if abs(plain - exact) <= exact * ROUNDED else exact).quantize(PLACES)
