"""The answer field of a JSON object, also where a model wrote the JSON badly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from orchestration.engine.consensus.json_in_text import json_values
from orchestration.engine.types import Json

FIELDS = ("answer", "final_answer", "final answer", "result")
LONGEST_VALUE = 2000
MOST = 20

_FIELD = re.compile(r"""["']?\b(?:final[_ ])?answer["']\s*:\s*""", re.IGNORECASE)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'(?=\s*[,}])', re.DOTALL)
_BARE = re.compile(r"[^\n}]*")
_CLOSES = {"[": "]", "{": "}"}


def read(text: str) -> Iterator[str]:
    """Yield what follows each answer field's name, then the answers of objects that are whole."""
    yield from (
        _after(text[match.end() : match.end() + LONGEST_VALUE])
        for match in list(_FIELD.finditer(text))[-MOST:]
    )
    yield from (found for found in map(_of_object, json_values(text)) if found is not None)


def _of_object(value: Json) -> str | None:
    if not isinstance(value, dict):
        return None
    fields: dict[str, Json] = {str(key).lower(): held for key, held in value.items()}
    return next((as_text(fields[name]) for name in FIELDS if name in fields), None)


def as_text(value: Json) -> str:
    """Return a JSON value as Python writes it, a string as it is."""
    return value if isinstance(value, str) else repr(value)


def _after(rest: str) -> str:
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        return _unescaped(quoted.group(1) or quoted.group(2) or "")
    if rest[:1] in _CLOSES:
        return _bracketed(rest)
    bare = _BARE.match(rest)
    return bare.group().strip().rstrip(",") if bare else ""


def _unescaped(inside: str) -> str:
    try:
        return str(json.loads(f'"{inside}"', strict=False))
    except ValueError:
        return inside.replace('\\"', '"')


def _bracketed(rest: str) -> str:
    depth = 0
    for position, character in enumerate(rest):
        depth += (character in _CLOSES) - (character in _CLOSES.values())
        if depth == 0:
            return rest[: position + 1]
    return ""
