"""Definitions of earlier schema versions, brought to the newest one step at a time.

Version 0 had no `schema_version`; in it `prev` meant `previous`, and `on_error: continue` meant `skip`.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.expressions.places import Keys, path_text, value_at
from orchestration.expressions.upgrades import Upgrade, Upgrades
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import stage_names, stage_places
from pipelines.engine.readings import source_with


def _from_version_0(document: dict[str, Json]) -> Iterator[Upgrade]:
    yield Upgrade(path="schema_version", message="The version is written down: 1.")
    stages = document.get("stages")
    if isinstance(stages, list):
        document["stages"] = [dict(stage) if isinstance(stage, dict) else stage for stage in stages]
        places = stage_places(stage_names(document))
        for stage, place in zip(document["stages"], places, strict=True):
            if isinstance(stage, dict):
                yield from _with_previous(stage, "input", place)
            if value_at(stage, ("on_error",)) == "continue":
                stage["on_error"] = "skip"
                yield Upgrade(path=path_text((*place, "on_error")), message="continue is now called skip.")
    yield from _with_previous(document, "output", ())


def _with_previous(part: dict[str, Json], field: str, at: Keys) -> Iterator[Upgrade]:
    """Write `previous` for `prev` in the sources of a mapping."""
    written = value_at(part, (field, "from"))
    changed: list[Keys] = []

    def named(source: Json, place: Keys) -> Json:
        if not isinstance(source, str) or not (source == "prev" or source.startswith(("prev.", "prev["))):
            return source
        changed.append((*at, field, "from", *place))
        return f"previous{source.removeprefix('prev')}"

    source = source_with(written, named)
    if changed:
        part[field] = {**part[field], "from": source}
    for place in changed:
        yield Upgrade(path=path_text(place), message="prev is now called previous.")


UPGRADES = Upgrades(noun="pipeline", steps=(_from_version_0,))
upgraded = UPGRADES.apply
