"""What a stage can read: the pipeline's input, variables, what stages gave, the context of the run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.expressions.values import listed
from orchestration.llm.engine.types import Json

CONTEXT = ("run_id", "team", "now", "pipeline", "version", "attempt", "item", "index")
"""What `context` may have; what `OF_AN_ITEM` names only in a stage that is run for each item of a list."""
OF_AN_ITEM = ("item", "index")
OF_A_STAGE = ("output", "status", "error", "score")
"""What is known of a stage that ended; an output only of one that succeeded, a score where it has one."""


class MissingValue(LookupError):
    """What a source names is not there, in words that say what there is."""


class Root(StrEnum):
    """What a path begins with."""

    INPUT = "input"
    VARIABLE = "variable"
    PREVIOUS = "previous"
    STAGES = "stages"
    CONTEXT = "context"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What a stage can read.

    `stages` has an object for each stage that ended, with what `OF_A_STAGE` names. `previous` are the stages
    that this one follows, None for a first one; what several gave is read `together`, as an object by name.
    `size` is how many items and characters all of it has, roughly.
    """

    input: Json = None
    variables: Mapping[str, Json] = field(default_factory=dict)
    stages: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    previous: tuple[str, ...] | None = None
    together: bool = False
    context: Mapping[str, Json] = field(default_factory=dict)
    size: int = 0

    def root(self, root: Root) -> Json:
        """Return what a path begins with. Raises `MissingValue`."""
        match root:
            case Root.PREVIOUS:
                return self._previous()
            case Root.INPUT:
                return self.input
            case Root.VARIABLE:
                return dict(self.variables)
            case Root.STAGES:
                return {name: dict(known) for name, known in self.stages.items()}
            case _:
                return dict(self.context)

    def values(self, names: Collection[str]) -> dict[str, Json]:
        """Return what has these names, for conditions and templates; what is not there is left out."""
        found: dict[str, Json] = {}
        for root in Root:
            if root in names:
                with suppress(MissingValue):
                    found[root.value] = self.root(root)
        return found

    def _previous(self) -> Json:
        """Return the output of the stage before, of several an object with the outputs by stage.

        A first stage is given the input of the pipeline. Raises `MissingValue`.
        """
        if self.previous is None:
            return self.input
        if not self.together:
            for name in self.previous:
                return self.stage(name, "output")
            raise MissingValue("No stage before this one gave anything.")
        known = {name: self.stages.get(name, {}) for name in self.previous}
        return {name: stage["output"] for name, stage in known.items() if "output" in stage}

    def stage(self, name: str, key: str) -> Json:
        """Return what is known of a stage. Raises `MissingValue`."""
        known = self.stages.get(name)
        if known is None:
            raise MissingValue(f"Stage “{name}” has not ended; {listed(self.stages)} have.")
        if key not in known:
            status = str(known.get("status"))
            ended = f"was {status}" if status in {"skipped", "cancelled"} else status
            raise MissingValue(f"Stage “{name}” has no {key}: it {ended}.")
        return known[key]
