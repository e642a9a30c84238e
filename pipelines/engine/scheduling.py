"""Which stages of a pipeline may start: a state machine on plain values, driven by how stages end.

It decides nothing by time or chance: the same endings in the same order give the same starts.

| join | starts | is skipped |
|---|---|---|
| all | once every need has ended, none failed and one succeeded | all were skipped, or one failed |
| any | once a need has succeeded or failed | all were skipped |
| first_success | once a need has succeeded | all have ended without a success |
| quorum | once so many needs have succeeded | too few can still succeed |

A stage that branches may choose, or that others may jump to, waits for these, too. It starts only when a
branch chose it; after a jump, once all it waits for has ended, whatever became of that. What is not
`parallel` runs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipelines.engine.graph import Graph, Join, StageNode


class StageStatus(StrEnum):
    """How a stage ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How a stage ended, the stages that it chose as a branch, and whether it jumps where a failure leads."""

    status: StageStatus
    chosen: frozenset[str] = frozenset()
    jumps: bool = False
    passes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A stage that will not run, and why."""

    stage: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Moves:
    """What follows from the endings so far: the stages to start, in order, and those that are skipped."""

    start: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


SETTLED_BY = frozenset({StageStatus.SUCCEEDED, StageStatus.FAILED})
BROKEN = frozenset({StageStatus.FAILED, StageStatus.CANCELLED})
ALL_SKIPPED = "Everything that it needs was skipped."


class Schedule:
    """The stages of one run of a pipeline: each starts, is skipped or is cancelled, and that once.

    At most `at_once` run at the same time.
    """

    def __init__(self, graph: Graph, *, at_once: int) -> None:
        self._graph = graph
        self._at_once = at_once
        self._ended: dict[str, Ending] = {}
        self._running: set[str] = set()
        self._waiting = dict.fromkeys(graph.order)
        self._jumped: set[str] = set()

    @property
    def is_over(self) -> bool:
        """True when nothing runs, and nothing can start any more."""
        return not self._waiting and not self._running

    @property
    def statuses(self) -> Mapping[str, StageStatus]:
        """How each stage ended that has ended."""
        return {stage: ending.status for stage, ending in self._ended.items()}

    def begin(self) -> Moves:
        """Return what starts first."""
        return self._moves()

    def ended(self, stage: str, ending: Ending) -> Moves:
        """Note how a running stage ended, and return what follows.

        Raises `ValueError` for a stage that does not run.
        """
        if stage not in self._running:
            raise ValueError(f"Stage {stage} is not running.")
        self._running.remove(stage)
        self._settle(stage, ending)
        return self._moves()

    def cancel(self) -> tuple[str, ...]:
        """Cancel all stages that have not started and return them; those that run end by themselves."""
        cancelled = tuple(self._waiting)
        for stage in cancelled:
            self._settle(stage, Ending(status=StageStatus.CANCELLED))
        return cancelled

    def _settle(self, stage: str, ending: Ending) -> None:
        self._waiting.pop(stage, None)
        self._ended[stage] = ending
        target = self._graph.node(stage).jump
        if ending.jumps and target in self._waiting:
            self._jumped.add(target)

    def _moves(self) -> Moves:
        skipped: list[Skipped] = []
        start: list[str] = []
        for stage in tuple(self._waiting):  # in an order in which nothing depends on a later one
            verdict = self._verdict(self._graph.node(stage))
            if isinstance(verdict, str):
                self._settle(stage, Ending(status=StageStatus.SKIPPED))
                skipped.append(Skipped(stage=stage, reason=verdict))
            elif verdict and self._has_room(stage):
                del self._waiting[stage]
                self._running.add(stage)
                start.append(stage)
        return Moves(start=tuple(start), skipped=tuple(skipped))

    def _has_room(self, stage: str) -> bool:
        """Return whether a stage may start beside those that run."""
        alone = [each for each in (stage, *self._running) if not self._graph.node(each).parallel]
        return len(self._running) < self._at_once and (not alone or not self._running)

    def _verdict(self, node: StageNode) -> bool | str:
        """Return whether a stage may start, or why it never will."""
        before = self._graph.waits_for[node.id]
        if any(each not in self._ended for each in self._graph.routers[node.id]):
            return False
        if node.id in self._jumped:
            return all(each in self._ended for each in before)
        branches = self._graph.branches[node.id]
        if branches and not any(node.id in self._ended[each].chosen for each in branches):
            return "No branch chose it."
        needs = [each for each in node.needs if each in before]
        return self._joined(node, needs) if needs else True

    def _joined(self, node: StageNode, needs: Sequence[str]) -> bool | str:
        """Return whether the needs of a stage let it start, or why they never will."""
        statuses = [self._ended[each].status for each in needs if each in self._ended]
        succeeded, left = statuses.count(StageStatus.SUCCEEDED), len(needs) - len(statuses)
        if node.join is Join.ALL:
            broken = next((each for each in needs if self._status(each) in BROKEN), None)
            if broken is not None:
                return f"{broken} {self._status(broken)}."
            return not left if succeeded or left else ALL_SKIPPED
        got = succeeded if node.join is not Join.ANY else sum(status in SETTLED_BY for status in statuses)
        wanted = node.quorum if node.join is Join.QUORUM else 1
        if got >= wanted:
            return True
        return False if got + left >= wanted else _too_few(node.join, got, wanted)

    def _status(self, stage: str) -> StageStatus | None:
        ending = self._ended.get(stage)
        return None if ending is None else ending.status


def _too_few(join: Join, got: int, wanted: int) -> str:
    if join is Join.QUORUM:
        return f"Only {got} of the {wanted} stages that it needs can succeed."
    return ALL_SKIPPED if join is Join.ANY else "Nothing that it needs succeeded."
