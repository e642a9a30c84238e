"""What a stage can read: the pipeline's input, variables, what stages gave, the context of the run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import NAME
from orchestration.expressions.sources import MissingValue, Place, Vocabulary
from orchestration.expressions.values import listed
from orchestration.llm.engine.types import Json

CONTEXT = ("run_id", "team", "now", "pipeline", "version", "attempt", "item", "index")
"""What `context` may have; what `OF_AN_ITEM` names only in a stage that is run for each item of a list."""
OF_AN_ITEM = ("item", "index")
OF_A_STAGE = ("output", "status", "error", "score")
"""What is known of a stage that ended; an output only of one that succeeded, a score where it has one."""


class Root(StrEnum):
    """What a path begins with."""

    INPUT = "input"
    VARIABLE = "variable"
    PREVIOUS = "previous"
    STAGES = "stages"
    CONTEXT = "context"


@dataclass(kw_only=True, slots=True)
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

    def start(self, place: Place) -> tuple[Json, int]:
        """Return what a path begins with, and how many of its keys that took. Raises `MissingValue`."""
        if place.root == Root.STAGES:
            return self._stage(str(place.keys[0]), str(place.keys[1])), 2
        return self._root(place.root), 0

    def _root(self, root: str) -> Json:
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
                    found[root.value] = self._root(root)
        return found

    def _previous(self) -> Json:
        """Return the output of the stage before, of several an object with the outputs by stage.

        A first stage is given the input of the pipeline. Raises `MissingValue`.
        """
        if self.previous is None:
            return self.input
        if not self.together:
            for name in self.previous:
                return self._stage(name, "output")
            raise MissingValue("No stage before this one gave anything.")
        known = ((name, self.stages.get(name, {})) for name in self.previous)
        return {name: stage["output"] for name, stage in known if "output" in stage}

    def _stage(self, name: str, key: str) -> Json:
        known = self.stages.get(name)
        if known is None:
            raise MissingValue(f"Stage “{name}” has not ended; {listed(self.stages)} have.")
        if key not in known:
            status = str(known.get("status"))
            ended = f"was {status}" if status in {"skipped", "cancelled"} else status
            raise MissingValue(f"Stage “{name}” has no {key}: it {ended}.")
        return known[key]


def with_stages(written: Json) -> Json:
    """Return a source in which names of stages alone, also those in a list, stand for their outputs."""
    if isinstance(written, list):
        return [with_stages(each) for each in written]
    is_stage = isinstance(written, str) and NAME.fullmatch(written) and written not in set(Root)
    return f"{Root.STAGES}.{written}.output" if is_stage else written


def _check(place: Place) -> None:
    """Raise `ExpressionError` for a path that no stage can ever read."""
    keys = place.keys
    if place.root == Root.STAGES and not set(keys[1:2]) & set(OF_A_STAGE):
        raise ExpressionError(
            f"Of a stage {listed(OF_A_STAGE)} can be read, as in stages.draft.output, not {place}."
        )
    if place.root == Root.CONTEXT and (not keys or keys[0] not in CONTEXT):
        raise ExpressionError(f"The context has {listed(CONTEXT)}, not {place}.")


VOCABULARY = Vocabulary(list(Root), _check)
parse_source, parse_place = VOCABULARY.source, VOCABULARY.place
