"""Which stages of a pipeline may start: a state machine on plain values, driven by how stages end.

It decides nothing by time or chance: the same endings in the same order give the same starts.

| join | starts | is skipped |
|---|---|---|
| all | once every need has ended, one succeeded or was passed over | all were skipped, or one failed |
| any | once a need has succeeded, failed or was passed over | all were skipped |
| first_success | once a need has succeeded | all have ended without a success |
| quorum | once so many needs have succeeded | too few can still succeed |

A stage is passed over when its own condition was false, or its failure is tolerated: what follows goes on
without it. A stage that no branch chose, or whose needs were not met, is skipped, and what needs it, too.

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
    """How a stage ended.

    `chosen` are the stages that it chose as a branch; it `jumps` where a failure leads. It `passes` when it
    did not succeed, and what follows goes on without it.
    """

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


BROKEN = frozenset({StageStatus.FAILED, StageStatus.CANCELLED})
ALL_SKIPPED = "Everything that it needs was skipped."


class Schedule:
    """The stages of one run of a pipeline: each starts or is skipped, and that once.

    At most `at_once` run at the same time.
    """

    def __init__(self, graph: Graph, *, at_once: int) -> None:
        self._graph = graph
        self._at_once = at_once
        self._ended: dict[str, Ending] = {}
        self._running: set[str] = set()
        self._waiting = dict.fromkeys(graph.order)
        self._ready: dict[str, None] = {}
        self._held: dict[str, frozenset[str]] = {}
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
        return self._moves(self._graph.order)

    def ended(self, stage: str, ending: Ending) -> Moves:
        """Note how a running stage ended, and return what follows.

        Raises `ValueError` for a stage that does not run.
        """
        if stage not in self._running:
            raise ValueError(f"Stage {stage} is not running.")
        self._running.remove(stage)
        self._settle(stage, ending)
        return self._moves((*self._ready, *self._graph.leads_to[stage], *self._held))

    def hold(self, stage: str, until: Sequence[str]) -> Moves:
        """Put back a stage that was to start until others have ended, too, and return what follows."""
        self._running.remove(stage)
        self._waiting[stage] = None
        self._held[stage] = frozenset(until)
        return self._moves(tuple(self._ready))

    def _settle(self, stage: str, ending: Ending) -> None:
        self._waiting.pop(stage, None)
        self._ready.pop(stage, None)
        self._ended[stage] = ending
        target = self._graph.node(stage).jump
        if ending.jumps and target in self._waiting:
            self._jumped.add(target)

    def _moves(self, candidates: Sequence[str]) -> Moves:
        """Start and skip what can be of these stages, and of those that follow what is skipped."""
        skipped: list[Skipped] = []
        start: list[str] = []
        queue = list(candidates)
        for stage in queue:  # grows while it is read
            if stage not in self._waiting:
                continue
            verdict = self._verdict(self._graph.node(stage))
            if isinstance(verdict, str):
                self._settle(stage, Ending(status=StageStatus.SKIPPED))
                skipped.append(Skipped(stage=stage, reason=verdict))
                queue += self._graph.leads_to[stage]
            elif verdict and self._has_room(stage):
                del self._waiting[stage]
                self._ready.pop(stage, None)
                self._running.add(stage)
                start.append(stage)
            elif verdict:
                self._ready[stage] = None
        return Moves(start=tuple(start), skipped=tuple(skipped))

    def _has_room(self, stage: str) -> bool:
        """Return whether a stage may start beside those that run."""
        if not self._running:
            return True
        together = (stage, *self._running) if len(self._running) < self._at_once else ()
        return bool(together) and all(self._graph.node(each).parallel for each in together)

    def _verdict(self, node: StageNode) -> bool | str:
        """Return whether a stage may start, or why it never will."""
        if not self._held.get(node.id, frozenset()) <= self._ended.keys():
            return False
        if routers := self._graph.routers[node.id]:
            if any(each not in self._ended for each in routers):
                return False
            if node.id in self._jumped:
                return all(each in self._ended for each in self._graph.waits_for[node.id])
            branches = self._graph.branches[node.id]
            if branches and not any(node.id in self._ended[each].chosen for each in branches):
                return "No branch chose it."
        needs = self._graph.needs[node.id]
        return self._joined(node, needs) if needs else True

    def _joined(self, node: StageNode, needs: Sequence[str]) -> bool | str:
        """Return whether the needs of a stage let it start, or why they never will."""
        endings = [ending for each in needs if (ending := self._ended.get(each)) is not None]
        left = len(needs) - len(endings)
        if node.join is Join.ALL:
            broken = next((each for each in needs if self._is_broken(each)), None) if endings else None
            if broken is not None:
                return f"{broken} {self._ended[broken].status}."
            return not left and (any(_counts(ending, Join.ALL) for ending in endings) or ALL_SKIPPED)
        got, wanted = sum(_counts(ending, node.join) for ending in endings), 1
        if node.join is Join.QUORUM:
            wanted = node.quorum
        if got >= wanted:
            return True
        return False if got + left >= wanted else _too_few(node.join, got, wanted)

    def _is_broken(self, stage: str) -> bool:
        ending = self._ended.get(stage)
        return ending is not None and ending.status in BROKEN and not ending.passes


def _counts(ending: Ending, join: Join) -> bool:
    """Return whether an ending is one that a join waits for."""
    if ending.status is StageStatus.SUCCEEDED or join in {Join.FIRST_SUCCESS, Join.QUORUM}:
        return ending.status is StageStatus.SUCCEEDED
    return ending.passes or (join is Join.ANY and ending.status is StageStatus.FAILED)


def _too_few(join: Join, got: int, wanted: int) -> str:
    if join is Join.QUORUM:
        return f"Only {got} of the {wanted} stages that it needs can succeed."
    return ALL_SKIPPED if join is Join.ANY else "Nothing that it needs succeeded."
