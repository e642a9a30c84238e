"""Definitions of earlier schema versions, brought to the newest one step at a time.

Version 0 had no `schema_version`; in it `prev` meant `previous`, and `on_error: continue` meant `skip`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orchestration.llm.engine.types import Json
from pipelines.engine.definition import BOUNDS, SCHEMA_VERSION
from pipelines.engine.problems import Keys, path_text, stage_places

LITERALS = {"value", "template"}
"""The keys under which a mapping has no source."""


class UnsupportedVersion(ValueError):
    """A definition of a schema version that is newer than this program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """What was changed in an earlier definition, at which path."""

    path: str
    message: str


Migration = Callable[[dict[str, Json]], Iterator[Upgrade]]
"""Changes a document that is its own to the next version, and yields each change."""


def upgraded(document: Json) -> tuple[Json, tuple[Upgrade, ...]]:
    """Return a document in the newest schema version, and what was changed; what is no definition as it is.

    The document itself is not changed. Raises `UnsupportedVersion` for one of a newer version.
    """
    version = document.get("schema_version", 0) if isinstance(document, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        return document, ()
    if version > SCHEMA_VERSION:
        raise UnsupportedVersion(
            f"This pipeline is written in version {min(version, 10**6)} of the format; this Orchestra reads"
            f" versions up to {SCHEMA_VERSION}. Update Orchestra, or export the pipeline in an older version."
        )
    made: list[Upgrade] = []
    current = document
    for step in range(version, SCHEMA_VERSION):
        current = {"schema_version": step + 1} | {
            name: value for name, value in current.items() if name != "schema_version"
        }
        made += MIGRATIONS[step](current)
    return current, tuple(made)


def _from_version_0(document: dict[str, Json]) -> Iterator[Upgrade]:
    yield Upgrade(path="schema_version", message="The version is written down: 1.")
    stages = document.get("stages")
    if isinstance(stages, list):
        places = stage_places([stage.get("id") if isinstance(stage, dict) else None for stage in stages])
        document["stages"] = [dict(stage) if isinstance(stage, dict) else stage for stage in stages]
        for stage, place in zip(document["stages"], places, strict=True):
            if isinstance(stage, dict):
                yield from _renamed_sources(stage, "input", place)
                yield from _renamed_skip(stage, place)
    yield from _renamed_sources(document, "output", ())


def _renamed_sources(part: dict[str, Json], field: str, at: Keys) -> Iterator[Upgrade]:
    """Write `previous` for `prev` in the sources of a mapping."""
    mapping = part.get(field)
    if not isinstance(mapping, dict) or "from" not in mapping:
        return
    changed: list[Keys] = []
    source = _with_previous(mapping["from"], (*at, field, "from"), changed)
    if changed:
        part[field] = {**mapping, "from": source}
    for place in changed:
        yield Upgrade(path=path_text(place), message="prev is now called previous.")


def _with_previous(source: Json, at: Keys, changed: list[Keys], level: int = 0) -> Json:
    """Return sources with `previous` for `prev`, and add the places of those that changed."""
    if isinstance(source, str) and (source == "prev" or source.startswith(("prev.", "prev["))):
        changed.append(at)
        return f"previous{source.removeprefix('prev')}"
    if level == BOUNDS.depth:
        return source
    if isinstance(source, dict) and not LITERALS & source.keys():
        kept = {"default"} if "from" in source else set()
        return {
            name: inner if name in kept else _with_previous(inner, (*at, str(name)), changed, level + 1)
            for name, inner in source.items()
        }
    if isinstance(source, list):
        return [
            _with_previous(inner, (*at, number), changed, level + 1) for number, inner in enumerate(source)
        ]
    return source


def _renamed_skip(stage: dict[str, Json], at: Keys) -> Iterator[Upgrade]:
    if stage.get("on_error") == "continue":
        stage["on_error"] = "skip"
        yield Upgrade(path=path_text((*at, "on_error")), message="continue is now called skip.")


MIGRATIONS: Mapping[int, Migration] = {0: _from_version_0}
"""What brings a document of each version to the next one."""
