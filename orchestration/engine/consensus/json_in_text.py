"""JSON inside what a model wrote: fenced, between sentences, or alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from orchestration.engine.types import Json

MOST_CHARACTERS = 100_000
MOST_TRIES = 100


def json_values(text: str) -> Iterator[Json]:
    """Yield every JSON object and list in `text` that is not inside another, in order."""
    decoder = json.JSONDecoder(strict=False)
    text = text[:MOST_CHARACTERS]
    position = _next_opening(text, 0)
    for _ in range(MOST_TRIES):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            end = position + 1
        except RecursionError:
            return
        else:
            yield value
        position = _next_opening(text, end)


def whole_json(text: str) -> Json:
    """Return the one JSON value that `text` is, fences allowed. Raises `ValueError`."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        stripped = stripped.strip("`").removeprefix("json").removeprefix("JSON").strip()
    try:
        return json.loads(stripped)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _next_opening(text: str, start: int) -> int:
    found = [place for place in (text.find("{", start), text.find("[", start)) if place >= 0]
    return min(found, default=-1)
