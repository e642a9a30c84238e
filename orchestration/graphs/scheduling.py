"""Which nodes of a graph may start: a state machine on plain values, driven by how nodes end.

It decides nothing by time or chance: the same endings in the same order give the same starts.

| join | starts | is skipped |
|---|---|---|
| all | once every need has ended, one succeeded or was passed over | all were skipped, or one failed |
| any | once a need has succeeded, failed or was passed over | all were skipped |
| first_success | once a need has succeeded | all have ended without a success |
| quorum | once so many needs have succeeded | too few can still succeed |

A node is passed over when its own condition was false, or its failure is tolerated: what follows goes on
without it. A node that no branch chose, or whose needs were not met, is skipped, and what needs it, too.

A node that branches may choose, or that others may jump to, waits for these, too. It starts only when a
branch chose it; after a jump, once all it waits for has ended, whatever became of that. What is not
`parallel` runs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from orchestration.graphs.graph import Graph, GraphNode, Join


class EndStatus(StrEnum):
    """How a node ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(kw_only=True, slots=True)
class Ending:
    """How a node ended. It does not change any more once a schedule knows it.

    `chosen` are the nodes that it chose as a branch; it `jumps` where a failure leads. It `passes` when it
    did not succeed, and what follows goes on without it.
    """

    status: EndStatus
    chosen: frozenset[str] = frozenset()
    jumps: bool = False
    passes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A node that will not run, and why."""

    name: str
    reason: str


class Moves(NamedTuple):
    """What follows from the endings so far: the nodes to start, in order, and those that are skipped."""

    start: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


NO_MOVES = Moves()
BROKEN = frozenset({EndStatus.FAILED, EndStatus.CANCELLED})
ALL_SKIPPED = "Everything that it needs was skipped."


class Schedule:
    """The nodes of one run of a graph: each starts or is skipped, and that once.

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
        self._left = {name: len(before) for name, before in graph.waits_for.items()}
        self._is_alone = False  # what runs is not parallel: nothing starts beside it
        self._any_broken = False
        self._all_succeeded = True  # of those that have ended

    @property
    def is_over(self) -> bool:
        """True when nothing runs, and nothing can start any more."""
        return not self._waiting and not self._running

    @property
    def statuses(self) -> Mapping[str, EndStatus]:
        """How each node ended that has ended."""
        return {name: ending.status for name, ending in self._ended.items()}

    def begin(self) -> Moves:
        """Return what starts first."""
        return self._moves([name for name in self._graph.order if not self._left[name]])

    def ended(self, name: str, ending: Ending) -> Moves:
        """Note how a running node ended, and return what follows.

        Raises `ValueError` for a node that does not run.
        """
        if name not in self._running:
            raise ValueError(f"Node {name} is not running.")
        self._running.remove(name)
        queue = [*self._ready, *self._settle(name, ending), *self._held]
        return self._moves(queue) if queue else NO_MOVES

    def hold(self, name: str, until: Sequence[str]) -> Moves:
        """Put back a node that was to start until others have ended, too, and return what follows."""
        self._running.remove(name)
        self._waiting[name] = None
        self._held[name] = frozenset(until)
        return self._moves(list(self._ready))

    def _settle(self, name: str, ending: Ending) -> list[str]:
        """Note how a node ended; return those that may start or be skipped by it."""
        self._waiting.pop(name, None)
        self._ready.pop(name, None)
        self._ended[name] = ending
        self._any_broken = self._any_broken or ending.status in BROKEN
        self._all_succeeded = self._all_succeeded and ending.status is EndStatus.SUCCEEDED
        concerned = []
        for each in self._graph.leads_to[name]:
            self._left[each] -= 1
            if not self._left[each] or self._any_broken or each not in self._graph.plain:
                concerned.append(each)
        if ending.jumps and (target := self._graph.node(name).jump) in self._waiting:
            self._jumped.add(target)
        return concerned

    def _moves(self, queue: list[str]) -> Moves:
        """Start and skip what can be of these nodes, and of those that follow what is skipped."""
        skipped: list[Skipped] = []
        start: list[str] = []
        for name in queue:  # grows while it is read
            if name not in self._waiting:
                continue
            node = self._graph.node(name)
            verdict = self._verdict(node)
            if isinstance(verdict, str):
                skipped.append(Skipped(name=name, reason=verdict))
                queue += self._settle(name, Ending(status=EndStatus.SKIPPED))
            elif verdict and self._has_room(node):
                del self._waiting[name]
                self._ready.pop(name, None)
                self._running.add(name)
                self._is_alone = not node.parallel
                start.append(name)
            elif verdict:
                self._ready[name] = None
        return Moves(tuple(start), tuple(skipped))

    def _has_room(self, node: GraphNode) -> bool:
        """Return whether a node may start beside those that run."""
        if not self._running:
            return True
        return node.parallel and not self._is_alone and len(self._running) < self._at_once

    def _verdict(self, node: GraphNode) -> bool | str:
        """Return whether a node may start, or why it never will."""
        is_plain = self._all_succeeded and node.id in self._graph.plain
        if is_plain and not self._left[node.id] and node.id not in self._held:
            return True  # the usual case, which is not to take longer the more it waits for
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

    def _joined(self, node: GraphNode, needs: Sequence[str]) -> bool | str:
        """Return whether the needs of a node let it start, or why they never will."""
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

    def _is_broken(self, name: str) -> bool:
        ending = self._ended.get(name)
        return ending is not None and ending.status in BROKEN and not ending.passes


def _counts(ending: Ending, join: Join) -> bool:
    """Return whether an ending is one that a join waits for."""
    if ending.status is EndStatus.SUCCEEDED or join in {Join.FIRST_SUCCESS, Join.QUORUM}:
        return ending.status is EndStatus.SUCCEEDED
    return ending.passes or (join is Join.ANY and ending.status is EndStatus.FAILED)


def _too_few(join: Join, got: int, wanted: int) -> str:
    if join is Join.QUORUM:
        return f"Only {got} of the {wanted} that it needs can succeed."
    return ALL_SKIPPED if join is Join.ANY else "Nothing that it needs succeeded."
