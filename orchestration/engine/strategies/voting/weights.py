"""How much each model's vote weighs, as a person writes it: `gpt-4o=2, haiku=0.5`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from orchestration.engine.strategies.wording import listed


def parse_weights(text: str, panel: Sequence[str]) -> Mapping[str, float]:
    """Return a weight for each model of the panel, 1 where none is given. Raises `ValueError`, in words."""
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        name, weight = _read(part)
        if name not in panel:
            raise ValueError(f"There is no {name} on the panel: it has {listed(panel)}.")
        if name in given:
            raise ValueError(f"{name} has two weights. Keep one.")
        given[name] = weight
    weights = {name: given.get(name, 1.0) for name in panel}
    if not any(weights.values()):
        raise ValueError("No model has a weight above 0: nobody could win.")
    return weights


def weights_text(weights: Mapping[str, float]) -> str:
    """Return weights as `parse_weights` reads them."""
    return ", ".join(f"{name}={weight:g}" for name, weight in weights.items())


def _read(part: str) -> tuple[str, float]:
    name, equals, number = (piece.strip() for piece in part.rpartition("="))
    if not (equals and name):
        raise ValueError(f"“{part[:60]}” is not a weight. Write model=number, as in gpt-4o=2.")
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"The weight of {name[:60]} is “{number[:20]}”: it must be a number from 0 up.")
    return name, weight
