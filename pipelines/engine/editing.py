"""Changes to a definition as a document: stages are added, copied, moved, renamed and removed.

A document may have problems; what is no stage in it is left as it is. None of the functions changes the
document that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.fields import NAME, part_schema
from orchestration.expressions.listed import (
    Document,
    all_items,
    free_id,
    item_in,
    items_in,
    with_items,
)
from orchestration.expressions.places import GONE, Keys, path_text, value_at, with_value
from orchestration.expressions.renaming import Renaming
from orchestration.graphs.graph import Graph, GraphNode, Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import SCHEMA_VERSION, UNREADABLE, Pipeline, read_definition, stand_in
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec
from pipelines.engine.readings import marks, source_with
from pipelines.engine.scope import Root, parse_place

STAGES = "stages"
JOINED = ("join", "quorum")
SHOWN = ("id", "processor", "needs", "join", "quorum", "options", "on_error")
"""The fields of a stage that its graph shows."""


def stages_in(document: Json) -> list[Document]:
    """Return the stages of a document that have a name."""
    return items_in(document, STAGES)


def stage_in(document: Json, name: str) -> Document | None:
    """Return a stage by name, or nothing where there is none."""
    return item_in(document, STAGES, name)


def outline(document: Json) -> Pipeline | None:
    """Return as a pipeline what of a document its graph shows, without the fields that cannot be read."""
    stages = [
        {"processor": UNREADABLE} | {name: stage[name] for name in SHOWN if name in stage}
        for stage in stages_in(document)
        if NAME.fullmatch(stage["id"])
    ]
    shown = {"schema_version": SCHEMA_VERSION, "name": "outline", "stages": stages}
    return read_definition(shown, lambda at: None if at[2:3] == ("needs",) else stand_in(at))[0]


def with_stage(document: Document, name: str, stage: Document) -> Document:
    """Return a document with another stage in the place of one."""
    return with_items(document, STAGES, name, lambda _: [stage])


def new_stage(document: Json, spec: ProcessorSpec) -> Document:
    """Return a stage to add, with a free name; of its options, what is required and can be guessed."""
    schema = spec.options_schema
    shapes = {name: schema.get("properties", {}).get(name, {}) for name in schema.get("required", ())}
    read = "{{ previous }}" if stages_in(document) else "{{ input }}"
    options = {name: read for name, shape in shapes.items() if shape.get("format") == OptionFormat.TEMPLATE}
    stage: Document = {"id": free_id(document, STAGES, spec.name), "processor": spec.name}
    return stage | ({"options": options} if options else {})


def added_after(document: Document, stage: Document, before: str) -> Document:
    """Return a document with a stage behind another one, or behind all: what needed that needs it instead."""
    if not before:
        return {**document, "stages": [*all_items(document, STAGES), stage]}
    wanted = {name: _instead(node, before, [stage["id"]]) for name, node in _nodes(document).items()}
    wanted[stage["id"]] = GraphNode(id=stage["id"], needs=(before,))
    return _with_needs(with_items(document, STAGES, before, lambda there: [there, stage]), wanted)


def added_before(document: Document, stage: Document, after: str) -> Document:
    """Return a document with a stage before another one: that needs it, and it what that needed."""
    wanted = _nodes(document)
    wanted |= {stage["id"]: wanted[after], after: GraphNode(id=after, needs=(stage["id"],))}

    def both(there: Document) -> list[Document]:
        joined = {name: there[name] for name in JOINED if name in there}
        return [stage | joined, {name: value for name, value in there.items() if name not in JOINED}]

    return _with_needs(with_items(document, STAGES, after, both), wanted)


def added_between(document: Document, stage: Document, after: str, before: str) -> Document:
    """Return a document with a stage on the line between two others; a branch then chooses the new one."""
    new, wanted, drawn = stage["id"], _nodes(document), outline(document)
    if drawn is None or after not in drawn.graph.waits_for.get(before, ()):
        return added_before(document, stage, before)
    if before in drawn.graph.node(after).choices:
        wanted |= {new: GraphNode(id=new), before: GraphNode(id=before, needs=(new, *wanted[before].needs))}
        document = with_items(document, STAGES, after, lambda there: [_choosing(there, before, new)])
    else:
        wanted |= {new: GraphNode(id=new, needs=(after,)), before: _instead(wanted[before], after, [new])}
    return _with_needs(with_items(document, STAGES, before, lambda there: [stage, there]), wanted)


def _choosing(branch: Document, old: str, new: str) -> Document:
    """Return a branch that chooses another stage in the place of one."""
    options = branch["options"]
    cases = [
        {**case, "to": new} if isinstance(case, dict) and case.get("to") == old else case
        for case in options.get("cases", ())
    ]
    default = {"default": new} if options.get("default") == old else {}
    return {**branch, "options": {**options, "cases": cases, **default}}


def duplicated(document: Document, name: str) -> tuple[Document, str]:
    """Return a document with a copy of a stage behind it, and its name.

    The copy gives its result only to what follows: two stages cannot write one variable in no order.
    """
    copy = free_id(document, STAGES, name)
    wanted = _nodes(document)
    wanted[copy] = wanted[name]
    copied = with_value(stage_in(document, name), ("output", "to"), GONE) | {"id": copy}
    return _with_needs(with_items(document, STAGES, name, lambda there: [there, copied]), wanted), copy


def removed(document: Document, name: str) -> Document:
    """Return a document without a stage: what waited for it needs what it needed."""
    nodes = _nodes(document)
    before = nodes[name]
    wanted = {
        each: before if node.needs == (name,) else _instead(node, name, before.needs)
        for each, node in nodes.items()
    }
    for each, leading in Graph(nodes=tuple(nodes.values())).routers.items():
        if name in leading:
            needs = dict.fromkeys((*wanted[each].needs, *before.needs))
            wanted[each] = replace(wanted[each], needs=tuple(needs))
    return _with_needs(with_items(document, STAGES, name, lambda _: []), wanted)


def renamed(document: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]) -> Document:
    """Return a document in which a stage has another name, wherever it is named.

    What cannot be read stays as it is, and so does what would read something else afterwards.
    """
    changed = deepcopy(document)
    for place, value in _mentions(document, old, new, processors):
        value_at(changed, place[:-1])[place[-1]] = value
    stage = stage_in(changed, old)
    return changed if stage is None else with_stage(changed, old, {**stage, "id": new})


def references(document: Document, name: str, processors: Mapping[str, ProcessorSpec]) -> list[str]:
    """Return where other stages, and the output, name a stage: `draft · input.from`."""
    found = []
    for place, _ in _mentions(document, name, free_id(document, STAGES, name), processors):
        stage = value_at(document, (*place[:2], "id")) if place[0] == "stages" else GONE
        if stage != name:
            found.append(f"{stage} · {path_text(place[2:])}" if isinstance(stage, str) else path_text(place))
    return found


def _mentions(
    document: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]
) -> Iterator[tuple[Keys, Json]]:
    """Yield each place that names a stage, with what it has to say where that has another name."""
    renaming = Renaming(root=Root.STAGES.value, old=old, new=new)
    for mark in marks(document, part_schema(Pipeline), processors):
        value = _renamed(mark, renaming)
        if value != mark.value:
            yield mark.at, value


def _renamed(mark: Marked, renaming: Renaming) -> Json:
    """Return a name or an expression with the new name of a stage."""

    def in_source(source: Json, _: Keys) -> Json:
        if isinstance(source, dict):
            return {"template": renaming.in_template(source["template"])}
        is_name = mark.format is OptionFormat.SOURCES and source == renaming.old
        return renaming.new if is_name else _renamed_place(source, renaming)

    match mark.format:
        case OptionFormat.STAGE:
            return renaming.new if mark.value == renaming.old else mark.value
        case OptionFormat.TEMPLATE | OptionFormat.TEMPLATES:
            return renaming.in_template(mark.value)
        case OptionFormat.CONDITION:
            return renaming.in_condition(mark.value)
        case OptionFormat.SOURCE | OptionFormat.SOURCES:
            return source_with(mark.value, in_source)
        case _:
            return mark.value


def _renamed_place(written: str, renaming: Renaming) -> str:
    try:
        place = parse_place(written)
    except ExpressionError:
        return written
    is_named = place.root == renaming.root and place.keys[0] == renaming.old
    return str(replace(place, keys=(renaming.new, *place.keys[1:]))) if is_named else written


def _nodes(document: Json) -> dict[str, GraphNode]:
    """Return the stages by name, with their needs and joins; one that cannot be drawn needs none."""
    drawn = outline(document)
    nodes = {stage["id"]: GraphNode(id=stage["id"]) for stage in stages_in(document)}
    return nodes | ({node.id: node for node in drawn.graph.nodes} if drawn is not None else {})


def _instead(node: GraphNode, name: str, others: Sequence[str]) -> GraphNode:
    """Return a stage that needs others in the place of one."""
    names = (new for need in node.needs for new in (others if need == name else [need]))
    return replace(node, needs=tuple(dict.fromkeys(names)))


def _with_needs(document: Document, wanted: Mapping[str, GraphNode]) -> Document:
    """Return a document in which stages need what they should; written only where their place says other."""
    stages, by_place = all_items(document, STAGES), _nodes(document)
    for number, stage in enumerate(stages):
        name = value_at(stage, ("id",))
        node = wanted.get(name) if isinstance(name, str) else None
        if node is None or (node.needs, node.join) == (by_place[name].needs, by_place[name].join):
            continue
        stages[number] = {**stage, "needs": list(node.needs)}
        if node.join is Join.ANY and "join" not in stage and len(node.needs) > 1:
            stages[number]["join"] = node.join.value
    return {**document, "stages": stages}
