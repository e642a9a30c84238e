"""JSON inside a text, as models write it: within prose, in a code fence."""

from __future__ import annotations

import json
from collections.abc import Iterator

from orchestra_site.web.patterns import DOTALL, Pattern
from orchestration.expressions.values import Json, with_storable_texts

MOST_JSON_CHARACTERS = 100_000
MOST_JSON_TRIES = 100
MOST_JSON_WORK = 10 * MOST_JSON_CHARACTERS
"""Characters that failed tries may have read, all together."""
_OPENING_BRACKET = Pattern(r"[{\[]")
_FENCE = Pattern(r"```\w*\n?(.*?)\n?```", DOTALL)
_CODE = Pattern(r"`([^`]+)`")


def decoded(text: str) -> Json:
    """Return the value of a JSON text, line breaks in strings allowed, as every database can store it.

    Escapes can write what no text from outside has: NUL and halves of characters. Raises as `json.loads`.
    """
    value = json.loads(text, strict=False)
    return with_storable_texts(value) if "\\u" in text else value


def json_values(text: str) -> Iterator[Json]:
    """Yield every JSON object and list in `text` that is not inside another, in order, as `decoded` does."""
    decoder = json.JSONDecoder(strict=False)
    text = text[:MOST_JSON_CHARACTERS]
    end = work = 0
    for _ in range(MOST_JSON_TRIES):
        opening = _OPENING_BRACKET.search(text, end)
        if opening is None or work > MOST_JSON_WORK:
            return
        try:
            value, end = decoder.raw_decode(text, opening.start())
        except ValueError as error:
            end = opening.end()
            work += getattr(error, "pos", len(text)) - opening.start()
        except RecursionError:
            return
        else:
            yield with_storable_texts(value) if "\\u" in text else value


def unfenced(text: str) -> str:
    """Return the content of a code fence or of backticks, else the text itself."""
    stripped = text.strip()
    found = _FENCE.fullmatch(stripped) or _CODE.fullmatch(stripped)
    return found.group(1) if found is not None else text
