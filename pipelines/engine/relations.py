"""What stages are to each other: which one is later, what one may read, which cannot run, which conflict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, pairwise

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import listed, unknown
from orchestration.graphs.graph import Graph, GraphNode, Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, Stage
from pipelines.engine.mapping import DestinationKind, parse_destination
from pipelines.engine.problems import FieldFault
from pipelines.engine.readings import Reading
from pipelines.engine.scope import CONTEXT, OF_AN_ITEM, Root
from pipelines.engine.sources import Place

FINAL, VARIABLE = "final", "variable."
ORDERING = ((), ("processor",), ("options",), ("needs",), ("join",), ("on_error",))
"""The fields of a stage, or all of it, that say what waits for what."""


class Relations:
    """The stages of one pipeline; of stages with one name only the first counts.

    Nothing is concluded from what waits for what, and what is written, where fields are `wrong` that say it.
    """

    def __init__(self, pipeline: Pipeline, wrong: Sequence[FieldFault] = ()) -> None:
        self._pipeline = pipeline
        fields = {(fault.stage is not None, *fault.at[:1]) for fault in wrong}
        self._is_ordered = fields.isdisjoint((True, *each) for each in ORDERING)
        self._has_variables = fields.isdisjoint({(False, "variables"), (True, "output"), (True,)})
        self._settled: dict[str, frozenset[str]] = {}
        self.numbers: dict[str, int] = {}
        for number, stage in enumerate(pipeline.stages):
            self.numbers.setdefault(stage.id, number)
        unnamed = {fault.stage for fault in wrong if fault.at[:1] in {(), ("id",)}}
        self._names = [name for name, number in self.numbers.items() if number not in unnamed]

    def name_fault(self, name: str) -> str:
        """Return what is wrong with the name of a stage; empty where there is one."""
        return "" if name in self.numbers else unknown("stage", name, self._names)

    def later_fault(self, stage: Stage, name: str) -> str:
        """Return what is wrong with the name of a stage that has to come after another."""
        if fault := self.name_fault(name):
            return fault
        return (
            "" if self._is_later(stage.id, name) else f"{name} is no later stage: only forward is possible."
        )

    def _is_later(self, stage: str, name: str) -> bool:
        return name in self.numbers and self.numbers[stage] < self.numbers[name]

    @cached_property
    def graph(self) -> Graph:
        """The graph without what leads back, which is a fault of its own."""
        return Graph(nodes=tuple(self._forward(node) for node in self._pipeline.graph.nodes))

    def _forward(self, node: GraphNode) -> GraphNode:
        choices = tuple(name for name in node.choices if self._is_later(node.id, name))
        return replace(node, choices=choices, jump=node.jump if self._is_later(node.id, node.jump) else "")

    @cached_property
    def writers(self) -> dict[str, list[str]]:
        """The stages that write each `variable.<name>` and `final`, in the order in which they run."""
        places = {name: place for place, name in enumerate(self.graph.order)}
        found: dict[str, list[str]] = {}
        for stage in sorted(self._pipeline.stages, key=lambda each: places.get(each.id, len(places))):
            for to in dict.fromkeys(stage.output.destinations if stage.output else ()):
                if to == FINAL or variable_name(to):
                    key = FINAL if to == FINAL else VARIABLE + variable_name(to)
                    found.setdefault(key, []).append(stage.id)
        return found

    def reading_fault(self, stage: Stage | None, reading: Reading) -> str:
        """Return what is wrong with what a stage, or the pipeline's output, reads; empty for nothing."""
        place = reading.place
        match place.root:
            case Root.STAGES:
                return self.name_fault(place.stage) or self._order_fault(stage, place, [place.stage])
            case Root.VARIABLE if place.variable:
                return self._variable_fault(stage, place)
            case Root.INPUT if place.keys:
                return _input_fault(self._pipeline.input.json_schema, place)
            case Root.CONTEXT if place.keys and str(place.keys[0]) not in CONTEXT:
                return unknown("field of the context", str(place.keys[0]), CONTEXT)
            case Root.CONTEXT if place.keys and place.keys[0] in OF_AN_ITEM and not reading.is_inside:
                return f"{place} is known only in a stage that runs for each item of a list."
            case _:
                return ""

    def _variable_fault(self, stage: Stage | None, place: Place) -> str:
        if place.variable in self._pipeline.variables:
            return ""
        writers = self.writers.get(VARIABLE + place.variable, [])
        if not writers and not self._has_variables:
            return ""
        if not writers:
            written = (key.removeprefix(VARIABLE) for key in self.writers if key != FINAL)
            return unknown("variable", place.variable, dict.fromkeys((*self._pipeline.variables, *written)))
        return self._order_fault(stage, place, writers)

    def _order_fault(self, stage: Stage | None, place: Place, sources: list[str]) -> str:
        """Return that none of the stages that give a value has always ended before it is read."""
        if stage is None or place.is_optional or not self._is_certain:
            return ""
        sources = [name for name in sources if name != stage.id]
        if not sources:
            return f"{stage.id} cannot read what it gives itself."
        if stage.id not in self._settled:
            self._settled[stage.id] = self.graph.settled_before(stage.id)
        if self._settled[stage.id] & set(sources):
            return ""
        return f"{listed(sources)} need not have ended when {stage.id} starts: need it, or give a default."

    @property
    def _is_certain(self) -> bool:
        """Whether it is known what waits for what."""
        return self._is_ordered and not self.graph.cycle

    def faults(self) -> Iterator[FieldFault]:
        """Yield what is wrong with the order of the stages, as far as that is known."""
        if self._is_ordered:
            yield from chain(self._circles(), self._unreachable(), self._conflicts())

    def _circles(self) -> Iterator[FieldFault]:
        """Yield each circle of stages that wait for each other, at the needs of its first stage."""
        graph = self.graph
        while graph.cycle:
            circle = graph.cycle
            message = f"Stages wait for each other: {' → '.join(circle)}."
            yield FieldFault(at=("needs",), stage=self.numbers[circle[0]], message=message)
            graph = Graph(nodes=tuple(node for node in graph.nodes if node.id not in circle))

    def _unreachable(self) -> Iterator[FieldFault]:
        """Yield the stages that can never run."""
        dead: set[str] = set()
        passed: set[str] = set()
        for name in self.graph.order:
            node, number = self.graph.node(name), self.numbers[name]
            routers = [
                self.graph.node(each) for each in self.graph.routers[name] if each not in dead | passed
            ]
            at, message = "", ""
            if not any(router.jump == name for router in routers):
                if self.graph.branches[name] and not routers:
                    at, message = "id", "It is never reached: no branch can choose it."
                elif not _can_join(node, dead, passed):
                    at, message = "needs", "It is never reached: what it needs never runs."
            if at:
                dead.add(name)
            if _is_never(self._pipeline.stages[number].when):
                passed.add(name)
                at, message = "when", "The condition is never true."
            if at:
                yield FieldFault(at=(at,), stage=number, message=message)

    def _conflicts(self) -> Iterator[FieldFault]:
        """Yield stages that write one variable, or the final output, without an order between them."""
        for key, writers in self.writers.items():
            for one, other in pairwise(writers):
                if one != other and self._is_certain and not self.graph.are_ordered(one, other):
                    message = f"{one} and {other} both write {key}, in no certain order."
                    yield FieldFault(at=("output", "to"), stage=self.numbers[other], message=message)


def variable_name(destination: str) -> str:
    """Return the variable that a destination such as `variable.kind.name` names, or nothing."""
    try:
        parsed = parse_destination(destination)
    except ExpressionError:
        return ""
    return parsed.keys[0] if parsed.kind is DestinationKind.VARIABLE else ""


def _is_never(condition: str | None) -> bool:
    """Return whether a condition reads nothing and is false."""
    if condition is None or any(root in condition for root in Root):
        return False
    try:
        return not parse_condition(condition).evaluate({})
    except ExpressionError:
        return False


def _can_join(node: GraphNode, dead: set[str], passed: set[str]) -> bool:
    """Return whether enough needs of a stage can run; a quorum larger than all needs is a fault apart."""
    never = dead | passed if node.join in {Join.FIRST_SUCCESS, Join.QUORUM} else dead
    alive = [need for need in node.needs if need not in never]
    wanted = min(node.quorum, len(node.needs)) if node.join is Join.QUORUM else 1
    return not node.needs or len(alive) >= wanted


def _input_fault(schema: Json, place: Place) -> str:
    """Return that the input has no such field, where its schema lists all."""
    if not isinstance(schema, dict) or schema.get("additionalProperties") is not False:
        return ""
    fields = schema.get("properties", {})
    name = place.keys[0]
    if not isinstance(fields, dict) or place.is_optional or name in fields or not isinstance(name, str):
        return ""
    return unknown("field of the input", name, fields)
