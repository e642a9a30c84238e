"""Reading what a judge wrote, however it wrapped it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestration.engine.consensus.json_in_text import json_values
from orchestration.engine.quality.evidence import Dimension
from orchestration.engine.types import Json

MOST_REASON = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One answer's scores, 0 to 1, and the judge's reason. A dimension it did not score is absent."""

    scores: Mapping[Dimension, float]
    reason: str = ""


def read_verdicts(text: str) -> Mapping[str, Verdict]:
    """Return the verdicts in `text` by the label of their answer; empty when none can be read.

    A judge that thinks aloud may write several: the last one on an answer counts.
    """
    found: dict[str, Verdict] = {}
    for value in json_values(text):
        for item in _items(value):
            scores = {
                dimension: score for dimension in Dimension if (score := _score(item, dimension)) is not None
            }
            if scores:
                found[str(item.get("id", "")).strip().upper()] = Verdict(scores=scores, reason=_reason(item))
    return found


def _items(value: Json) -> Iterator[Mapping[str, Json]]:
    listed = value.get("verdicts", [value]) if isinstance(value, dict) else value
    if isinstance(listed, list):
        yield from (item for item in listed if isinstance(item, dict))


def _score(item: Mapping[str, Json], dimension: Dimension) -> float | None:
    raw = item.get(dimension.value)
    if isinstance(raw, str):
        raw = raw.strip().removesuffix("/10")
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        score = float(raw)
    except (ValueError, OverflowError):
        return None
    return min(max(score, 0.0), 10.0) / 10.0 if math.isfinite(score) else None


def _reason(item: Mapping[str, Json]) -> str:
    reason = item.get("reason")
    return " ".join(reason.split())[:MOST_REASON] if isinstance(reason, str) else ""
