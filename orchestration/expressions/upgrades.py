"""Documents of earlier schema versions, brought to the newest one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from orchestration.expressions.values import Json


class UnsupportedVersion(ValueError):
    """A document of a schema version that is newer than this program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """What was changed in an earlier document, at which path."""

    path: str
    message: str


UpgradeStep = Callable[[dict[str, Json]], Iterator[Upgrade]]
"""Changes a document that is its own to the next version, and yields each change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrades:
    """The versions of a schema: `steps[n]` brings a document of version n to the next one.

    `noun` is what sentences call such a document.
    """

    noun: str
    steps: Sequence[UpgradeStep]

    def apply(self, document: Json) -> tuple[Json, tuple[Upgrade, ...]]:
        """Return a document in the newest version, and what was changed; what has no version as it is.

        One without `schema_version` is of version 0. The document itself is not changed. Raises
        `UnsupportedVersion` for one of a newer version.
        """
        version = document.get("schema_version", 0) if isinstance(document, dict) else None
        newest = len(self.steps)
        if not isinstance(version, int) or isinstance(version, bool) or version < 0:
            return document, ()
        if version > newest:
            raise UnsupportedVersion(
                f"This {self.noun} is written in version {min(version, 10**6)} of the format; this Orchestra"
                f" reads versions up to {newest}. Update Orchestra, or export the {self.noun} in an older"
                " version."
            )
        made: list[Upgrade] = []
        current = document
        for number in range(version, newest):
            current = {"schema_version": 0} | current | {"schema_version": number + 1}
            made += self.steps[number](current)
        return current, tuple(made)
