"""The order of a graph's nodes: who waits for whom, what has ended before a node starts, circles.

A node waits for those it `needs`, for the branches that may choose it, and for the nodes that may jump to
it when they fail. Sets of nodes are bits of an integer, so that a graph of 500 nodes takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, reduce
from operator import and_, or_


class Join(StrEnum):
    """When what needs several others may start."""

    ALL = "all"
    ANY = "any"
    FIRST_SUCCESS = "first_success"
    QUORUM = "quorum"


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphNode:
    """A node as the graph sees it; every name is that of a node.

    `choices` are those that it may choose between (a branch), `jump` the one that it goes to when it fails.
    A node that is not `parallel` runs alone. `quorum` is how many needs have to succeed, where that joins.
    """

    id: str
    needs: tuple[str, ...] = ()
    join: Join = Join.ALL
    quorum: int = 1
    parallel: bool = True
    choices: tuple[str, ...] = ()
    jump: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The nodes of a graph in the order in which they are written, each name once.

    Names that no node has, and a node's own, are left out: they are errors of the definition.
    """

    nodes: tuple[GraphNode, ...]
    _place: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_place", {node.id: place for place, node in enumerate(self.nodes)})

    def node(self, name: str) -> GraphNode:
        """Return a node by name. Raises `KeyError`."""
        return self.nodes[self._place[name]]

    @cached_property
    def branches(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that may choose each as a branch."""
        return self._pointing(lambda node: node.choices)

    @cached_property
    def routers(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that may choose each as a branch, or jump to it."""
        return self._pointing(lambda node: (*node.choices, node.jump))

    @cached_property
    def plain(self) -> frozenset[str]:
        """The nodes that start once all their needs have succeeded, and that nothing else leads to."""
        return frozenset(
            node.id for node in self.nodes if node.join is Join.ALL and not self.routers[node.id]
        )

    @cached_property
    def waits_for(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that each waits for before it can start, be skipped or be jumped to."""
        return {
            name: tuple(dict.fromkeys((*needs, *self.routers[name]))) for name, needs in self.needs.items()
        }

    @cached_property
    def needs(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that each needs."""
        return {
            node.id: tuple(need for need in node.needs if need in self._place and need != node.id)
            for node in self.nodes
        }

    def _pointing(self, targets: Callable[[GraphNode], Iterable[str]]) -> Mapping[str, tuple[str, ...]]:
        """Return for each node those that have it among their `targets`, never itself."""
        found: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            for target in dict.fromkeys(targets(node)):
                if target in found and target != node.id:
                    found[target].append(node.id)
        return {name: tuple(sources) for name, sources in found.items()}

    @cached_property
    def leads_to(self) -> Mapping[str, tuple[str, ...]]:
        """The nodes that wait for each."""
        found: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for name, before in self.waits_for.items():
            for each in before:
                found[each].append(name)
        return {name: tuple(after) for name, after in found.items()}

    def following(self, name: str) -> frozenset[str]:
        """Return all nodes that wait for one, directly or for another one that does."""
        found = list(self.leads_to[name])
        for each in found:  # grows while it is read
            found += [after for after in self.leads_to[each] if after not in found]
        return frozenset(found)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The nodes, each after all it waits for, otherwise as written; those on a circle are left out."""
        open_needs = {name: len(before) for name, before in self.waits_for.items()}
        ready = [name for name, count in open_needs.items() if not count]
        ordered: list[str] = []
        for name in ready:  # grows while it is read
            ordered.append(name)
            for after in self.leads_to[name]:
                open_needs[after] -= 1
                if not open_needs[after]:
                    ready.append(after)
        return tuple(ordered)

    @cached_property
    def cycle(self) -> tuple[str, ...]:
        """The nodes of one circle, the first one again at its end; empty where there is none."""
        stuck = set(self._place) - set(self.order)
        if not stuck:
            return ()
        walked: list[str] = []
        name = next(node.id for node in self.nodes if node.id in stuck)
        while name not in walked:
            walked.append(name)
            name = next(before for before in self.waits_for[name] if before in stuck)
        circle = [*walked[walked.index(name) :], name]
        return tuple(reversed(circle))

    @cached_property
    def forward(self) -> Graph:
        """The graph without choices and jumps that lead to what is written before."""
        nodes = [
            replace(
                node,
                choices=tuple(name for name in node.choices if self._is_later(name, node)),
                jump=node.jump if self._is_later(node.jump, node) else "",
            )
            for node in self.nodes
        ]
        return Graph(nodes=tuple(nodes))

    def _is_later(self, name: str, node: GraphNode) -> bool:
        return self._place.get(name, -1) > self._place[node.id]

    @property
    def cycles(self) -> Iterator[tuple[str, ...]]:
        """Circles as `cycle` names one, until those that are left have none."""
        graph = self
        while circle := graph.cycle:
            yield circle
            graph = Graph(nodes=tuple(node for node in graph.nodes if node.id not in circle))

    def never_reached(self, never: Collection[str]) -> Mapping[str, bool]:
        """Return the nodes that can never run, in their order, where the conditions of some `never` hold.

        By each is whether no branch can choose it; else too few of its needs can run.
        """
        dead: dict[str, bool] = {}
        for node in map(self.node, self.order):
            routers = [
                self.node(each) for each in self.routers[node.id] if each not in dead and each not in never
            ]
            if any(router.jump == node.id for router in routers):
                continue
            is_unchosen = bool(self.branches[node.id]) and not routers
            if is_unchosen or not _can_join(node, dead, never):
                dead[node.id] = is_unchosen
        return dead

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """The length of the longest chain of needs from each, itself included; without those on a circle."""
        found: dict[str, int] = {}
        for name in self.order:
            found[name] = 1 + max((found[need] for need in self.needs[name]), default=0)
        return found

    def totals(self, weights: Mapping[str, int], most: int) -> Mapping[str, int]:
        """Return the weight of each node and of all that it needs, as often as it does; `most` at most."""
        found: dict[str, int] = {}
        for name in self.order:
            found[name] = min(weights[name] + sum(found[need] for need in self.needs[name]), most)
        return found

    @cached_property
    def _settled(self) -> Mapping[str, int]:
        """The nodes that have ended, in whatever way, whenever one starts."""
        found: dict[str, int] = {}
        for name in self.order:
            needs = [found[need] | self.bits[need] for need in self.needs[name] if need in found]
            waits_for_all = self.node(name).join is Join.ALL or len(needs) < 2  # noqa: PLR2004
            together = reduce(or_ if waits_for_all else and_, needs or [0])
            routers = (found[each] | self.bits[each] for each in self.routers[name])
            found[name] = reduce(or_, routers, together)
        return found

    def has_ended(self, one: str, before: str) -> bool:
        """Return whether a node has certainly ended when another starts, which may read it then."""
        return bool(self._settled.get(before, 0) & self.bits[one])

    def are_ordered(self, one: str, other: str) -> bool:
        """Return whether one of two nodes has always ended before the other starts."""
        return self.has_ended(one, other) or self.has_ended(other, one)

    @cached_property
    def bits(self) -> Mapping[str, int]:
        """A bit for each node: a set of nodes is the sum of theirs."""
        return {name: 1 << place for name, place in self._place.items()}


def _can_join(node: GraphNode, dead: Collection[str], never: Collection[str]) -> bool:
    """Return whether enough needs of a node can run; some joins take one that is passed over, too."""
    skipped = {*dead, *never} if node.join in {Join.FIRST_SUCCESS, Join.QUORUM} else dead
    alive = [need for need in node.needs if need not in skipped]
    wanted = min(node.quorum, len(node.needs)) if node.join is Join.QUORUM else 1
    return not node.needs or len(alive) >= wanted


def needs_by_place(choices: Mapping[str, Collection[str]]) -> dict[str, tuple[tuple[str, ...], Join]]:
    """Return the needs and the join of nodes in a sequence that do not say them, by what each may choose.

    A node needs the one before it. An arm, which branches may choose, waits for these alone; what follows
    one, for any of the arms before it that the same branches may choose.
    """
    arms: dict[str, set[str]] = {}
    for chosen in choices.values():
        for each in chosen:
            arms.setdefault(each, set()).update(chosen)
    found: dict[str, tuple[tuple[str, ...], Join]] = {}
    last = ""
    for name in choices:
        if last in arms and name not in arms:
            found[name] = tuple(each for each in found if each in arms[last]), Join.ANY
        else:
            found[name] = () if name in arms or not last else (last,), Join.ALL
        last = name
    return found
