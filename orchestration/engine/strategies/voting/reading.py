"""Reading what a reviewer wrote, however it wrapped it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.engine.consensus.extraction import json_values
from orchestration.engine.types import Json

MOST_REASON = 300
_ARROWS = re.compile(r"\b[A-Z]{1,2}(?:\s*>\s*[A-Z]{1,2}\b)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Labels from best to worst; `approved` is None where the reviewer did not say."""

    ranking: tuple[str, ...]
    approved: tuple[str, ...] | None = None
    confidence: float | None = None
    reason: str = ""


def read_review(text: str, labels: Sequence[str]) -> Review | None:
    """Return the last review in `text` that ranks some of `labels`, None when none can be read.

    Labels that there are not, and those that come again, do not count.
    """
    found = [review for value in json_values(text) if (review := _of_json(value, labels)) is not None]
    if found:
        return found[-1]
    arrows = _ARROWS.findall(text)
    ranking = _known(arrows[-1].split(">"), labels) if arrows else ()
    return Review(ranking=ranking) if ranking else None


def _of_json(value: Json, labels: Sequence[str]) -> Review | None:
    if not isinstance(value, Mapping):
        return None
    ranking = _known(value.get("ranking"), labels)
    if not ranking:
        return None
    approved, reason = value.get("approved"), value.get("reason")
    return Review(
        ranking=ranking,
        approved=_known(approved, labels) if isinstance(approved, list) else None,
        confidence=_share(value.get("confidence")),
        reason=" ".join(reason.split())[:MOST_REASON] if isinstance(reason, str) else "",
    )


def _known(said: Json, labels: Sequence[str]) -> tuple[str, ...]:
    read = _labels(said) if isinstance(said, list) else ()
    return tuple(dict.fromkeys(name for name in read if name in labels))


def _labels(said: Sequence[Json]) -> Iterator[str]:
    for entry in said:
        name = entry.get("id") if isinstance(entry, Mapping) else entry
        if isinstance(name, str):
            yield name.strip().upper().removeprefix("ANSWER").strip()


def _share(said: Json) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    share = float(min(max(said, 0), 1))
    return share if math.isfinite(share) else None
