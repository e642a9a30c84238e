"""Changes to a definition as a document: stages are added, copied, moved, renamed and removed.

A document may have problems; what is no stage in it is left as it is. None of the functions changes the
document that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from pydantic import ValidationError

from orchestration.graphs.graph import Join
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline, Stage, pipeline_from
from pipelines.engine.options import OptionFormat, ProcessorSpec
from pipelines.engine.problems import Keys

Document = dict[str, Json]
GONE: Final = object()
"""In place of a value: the field is not written."""
LONGEST_NAME = 40
JOINED = ("join", "quorum")
SHOWN = ("processor", "needs", "join", "quorum", "options", "on_error")
"""The fields of a stage that its graph shows."""


def stages_in(document: Json) -> list[Document]:
    """Return the stages of a document that have a name."""
    written = document.get("stages") if isinstance(document, dict) else None
    listed = written if isinstance(written, list) else ()
    return [each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]


def stage_in(document: Json, name: str) -> Document | None:
    """Return a stage by name, or nothing where there is none."""
    return next((stage for stage in stages_in(document) if stage["id"] == name), None)


def outline(document: Json) -> Pipeline | None:
    """Return as a pipeline what of a document its graph shows, without the fields that cannot be read."""
    stages: dict[str, Document] = {}
    for stage in stages_in(document):
        kept: Document = {"id": stage["id"], "processor": "?"}
        for name in SHOWN:
            kept |= {name: stage[name]} if name in stage and _is_stage({**kept, name: stage[name]}) else {}
        if _is_stage(kept):
            stages.setdefault(stage["id"], kept)
    return pipeline_from({"schema_version": 1, "name": "outline", "stages": list(stages.values())})[0]


def _is_stage(written: Document) -> bool:
    try:
        Stage.model_validate(written)
    except ValidationError:
        return False
    return True


def value_at(value: Json, place: Keys) -> Json:
    """Return what stands at a place, or `GONE`."""
    for key in place:
        found = isinstance(value, dict) and key in value
        if not found and not (isinstance(value, list) and isinstance(key, int) and key < len(value)):
            return GONE
        value = value[key]
    return value


def with_value(holder: Json, place: Keys, value: Json) -> Json:
    """Return a document with a value at a place; `GONE` takes it away, with the objects that it leaves empty.

    What on the way there is neither an object nor a list becomes an object.
    """
    if not place:
        return value
    key, below = place[0], place[1:]
    if isinstance(holder, list) and isinstance(key, int):
        items = [*holder, *[{}] * (key + 1 - len(holder))]
        items[key] = with_value(items[key], below, value)
        return [each for each in items if each is not GONE]
    fields = dict(holder) if isinstance(holder, dict) else {}
    inner = with_value(fields.get(str(key), [] if below and isinstance(below[0], int) else {}), below, value)
    if inner is GONE or (value is GONE and below and inner in ({}, [])):
        fields.pop(str(key), None)
    else:
        fields[str(key)] = inner
    return fields


def with_stage(document: Document, name: str, stage: Document) -> Document:
    """Return a document with another stage in the place of one."""
    return _with_stages(document, name, lambda _: [stage])


def new_stage(document: Json, spec: ProcessorSpec) -> Document:
    """Return a stage to add, with a free name; of its options, what is required and can be guessed."""
    schema = spec.options_schema
    shapes = {name: schema.get("properties", {}).get(name, {}) for name in schema.get("required", ())}
    read = "{{ previous }}" if stages_in(document) else "{{ input }}"
    options = {name: read for name, shape in shapes.items() if shape.get("format") == OptionFormat.TEMPLATE}
    stage: Document = {"id": free_name(document, spec.name), "processor": spec.name}
    return stage | ({"options": options} if options else {})


def free_name(document: Json, wanted: str) -> str:
    """Return a name that no stage has: the wanted one, or that with a number."""
    taken = {stage["id"] for stage in stages_in(document)}
    numbered = (f"{wanted[: LONGEST_NAME - 4]}-{number}" for number in count(2))
    return wanted if wanted not in taken else next(each for each in numbered if each not in taken)


def added_after(document: Document, stage: Document, before: str) -> Document:
    """Return a document with a stage behind another one, or behind all: what needed that needs it instead."""
    if not before:
        return {**document, "stages": [*_all(document), stage]}
    wanted = {name: _instead(needs, before, [stage["id"]]) for name, needs in _needs(document).items()}
    wanted[stage["id"]] = Needs(names=(before,))
    return _with_needs(_with_stages(document, before, lambda there: [there, stage]), wanted)


def added_before(document: Document, stage: Document, after: str) -> Document:
    """Return a document with a stage before another one: that needs it, and it what that needed."""
    wanted = dict(_needs(document))
    wanted |= {stage["id"]: wanted[after], after: Needs(names=(stage["id"],))}

    def both(there: Document) -> list[Document]:
        joined = {name: there[name] for name in JOINED if name in there}
        return [stage | joined, {name: value for name, value in there.items() if name not in JOINED}]

    return _with_needs(_with_stages(document, after, both), wanted)


def added_between(document: Document, stage: Document, after: str, before: str) -> Document:
    """Return a document with a stage on the line between two others; a branch then chooses the new one."""
    new, wanted, drawn = stage["id"], dict(_needs(document)), outline(document)
    if drawn is None or after not in drawn.graph.waits_for.get(before, ()):
        return added_before(document, stage, before)
    if before in drawn.graph.node(after).choices:
        wanted |= {new: Needs(names=()), before: Needs(names=(new, *wanted[before].names))}
        document = _with_stages(document, after, lambda there: [_choosing(there, before, new)])
    else:
        wanted |= {new: Needs(names=(after,)), before: _instead(wanted[before], after, [new])}
    return _with_needs(_with_stages(document, before, lambda there: [stage, there]), wanted)


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
    copy = free_name(document, name)
    wanted = dict(_needs(document))
    wanted[copy] = wanted[name]

    def both(there: Document) -> list[Document]:
        made = with_value({**there, "id": copy}, ("output", "to"), GONE) if "output" in there else there
        return [there, {**made, "id": copy}]

    return _with_needs(_with_stages(document, name, both), wanted), copy


def removed(document: Document, name: str) -> Document:
    """Return a document without a stage: what waited for it needs what it needed."""
    known, drawn = _needs(document), outline(document)
    before = known[name]
    wanted = {
        each: before if needs.names == (name,) else _instead(needs, name, before.names)
        for each, needs in known.items()
    }
    routers = drawn.graph.routers if drawn is not None else {}
    for each in (each for each, leading in routers.items() if name in leading):
        names = dict.fromkeys((*wanted[each].names, *before.names))
        wanted[each] = replace(wanted[each], names=tuple(names))
    return _with_needs(_with_stages(document, name, lambda _: []), wanted)


def moved(document: Document, name: str, step: int) -> Document:
    """Return a document with a stage so many places further down, or up; at the ends it stays."""
    stages = _all(document)
    place = next(place for place, each in enumerate(stages) if each is stage_in(document, name))
    stage = stages.pop(place)
    stages.insert(max(0, place + step), stage)
    return {**document, "stages": stages}


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What a stage needs, written or by its place, and how that joins."""

    names: tuple[str, ...]
    join: Join = Join.ALL


def _needs(document: Json) -> Mapping[str, Needs]:
    """Return the needs of each stage by name; of one that cannot be drawn, none."""
    drawn = outline(document)
    known = {stage["id"]: Needs(names=()) for stage in stages_in(document)}
    nodes = drawn.graph.nodes if drawn is not None else ()
    return known | {node.id: Needs(names=node.needs, join=node.join) for node in nodes}


def _instead(needs: Needs, name: str, others: Sequence[str]) -> Needs:
    """Return needs with others in the place of one."""
    names = (new for need in needs.names for new in (others if need == name else [need]))
    return replace(needs, names=tuple(dict.fromkeys(names)))


def _with_needs(document: Document, wanted: Mapping[str, Needs]) -> Document:
    """Return a document in which stages need what they should; written only where their place says other."""
    is_by_place = _needs(document)
    stages: list[Json] = []
    for stage in _all(document):
        needs = wanted.get(stage["id"]) if stage in stages_in(document) else None
        if needs is not None and needs != is_by_place[stage["id"]]:
            stage = {**stage, "needs": list(needs.names)}  # noqa: PLW2901  # the same stage, with its needs
            if needs.join is Join.ANY and "join" not in stage and len(needs.names) > 1:
                stage["join"] = needs.join.value
        stages.append(stage)
    return {**document, "stages": stages}


def _all(document: Document) -> list[Json]:
    written = document.get("stages")
    return list(written) if isinstance(written, list) else []


def _with_stages(document: Document, name: str, make: Callable[[Document], list[Document]]) -> Document:
    """Return a document with others in the place of one stage."""
    there = stage_in(document, name)
    made = [] if there is None else make(there)
    stages = [new for each in _all(document) for new in (made if each is there else [each])]
    return {**document, "stages": stages}
