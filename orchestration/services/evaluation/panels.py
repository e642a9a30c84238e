"""Which models an evaluation's panel names: models of the recording, or a panel kept beside the data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from orchestration.engine.errors import InvalidRequest

FILE = "panels.json"
LISTED = 12
_PANELS = TypeAdapter(dict[str, list[str]])


def panels_beside(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Return the panels that `panels.json` names in the data's folders. Raises `InvalidRequest`."""
    panels: dict[str, list[str]] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        file = folder / FILE
        try:
            panels |= _PANELS.validate_python(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, ValidationError) as error:
            message = f"{file} cannot be read: it must map names to lists of models. {error}"
            raise InvalidRequest(message, field="panel") from None
    return panels


def panel_named(
    words: Sequence[str], models: Sequence[str], panels: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the models that `words` name, in order. Raises `InvalidRequest`."""
    names = [name for word in words for name in ([word] if word in models else panels.get(word, [word]))]
    for name in names:
        if name not in models:
            raise InvalidRequest(unknown_model(name, models, tuple(panels)), field="panel")
    if not names:
        raise InvalidRequest("The panel is empty. Name at least one model.", field="panel")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"{twice} is on the panel twice. Name it once.", field="panel")
    return tuple(names)


def unknown_model(name: str, models: Sequence[str], panels: Sequence[str] = ()) -> str:
    """Say that the recording has no such model, and what it has."""
    close = get_close_matches(name, [*models, *panels], n=3)
    if close:
        return f"The data has no answers of {name!r}. Did you mean {' or '.join(close)}?"
    more = f" and {len(models) - LISTED} more" if len(models) > LISTED else ""
    has = f"The data has no answers of {name!r}; it has {', '.join(models[:LISTED])}{more}."
    return f"{has} Panels: {', '.join(panels)}." if panels else has
