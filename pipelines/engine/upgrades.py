"""Definitions of earlier schema versions, brought to the newest one step at a time.

Version 0 had no `schema_version`; in it `prev` meant `previous`, and `on_error: continue` meant `skip`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from orchestration.expressions.places import Keys, path_text, value_at
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import SCHEMA_VERSION, stage_names, stage_places
from pipelines.engine.readings import source_with


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
        current = {"schema_version": 0} | current | {"schema_version": step + 1}
        made += MIGRATIONS[step](current)
    return current, tuple(made)


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


MIGRATIONS: Mapping[int, Migration] = {0: _from_version_0}
"""What brings a document of each version to the next one."""
