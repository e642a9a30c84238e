"""Changes to a definition as a document: stages are added, copied, moved, renamed and removed.

A document may have problems; what is no stage in it is left as it is. None of the functions changes the
document that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from orchestration.llm.engine.types import Json
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import Keys, path_text
from pipelines.engine.renaming import renamed_condition, renamed_source, renamed_template

Document = dict[str, Json]
GONE: Final = object()
"""In place of a value: the field is not written."""
LONGEST_NAME = 40


def stages_in(document: Json) -> list[Document]:
    """Return the stages of a document that have a name."""
    written = document.get("stages") if isinstance(document, dict) else None
    listed = written if isinstance(written, list) else ()
    return [each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]


def stage_in(document: Json, name: str) -> Document | None:
    """Return a stage by name, or nothing where there is none."""
    return next((stage for stage in stages_in(document) if stage["id"] == name), None)


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
    return {
        **document,
        "stages": [stage if each is stage_in(document, name) else each for each in _all(document)],
    }


def new_stage(document: Json, spec: ProcessorSpec, needs: Sequence[str] = ()) -> Document:
    """Return a stage to add, with a free name; of its options, what is required and can be guessed."""
    schema = spec.options_schema
    shapes = {name: schema.get("properties", {}).get(name, {}) for name in schema.get("required", ())}
    read = "{{ previous }}" if needs else "{{ input }}"
    options = {name: read for name, shape in shapes.items() if shape.get("format") == OptionFormat.TEMPLATE}
    stage: Document = {"id": free_name(document, spec.name), "processor": spec.name}
    return stage | ({"options": options} if options else {}) | ({"needs": list(needs)} if needs else {})


def free_name(document: Json, wanted: str) -> str:
    """Return a name that no stage has: the wanted one, or that with a number."""
    taken = {stage["id"] for stage in stages_in(document)}
    numbered = (f"{wanted[: LONGEST_NAME - 4]}-{number}" for number in count(2))
    return wanted if wanted not in taken else next(each for each in numbered if each not in taken)


def added_after(document: Document, stage: Document, before: str) -> Document:
    """Return a document with a stage behind another one, or behind all: what needed that needs it instead."""
    stages: list[Json] = [
        _with_needs(each, {before: [stage["id"]]}) if before else each for each in _all(document)
    ]
    place = _place(document, before) + 1 if before else len(stages)
    return {**document, "stages": [*stages[:place], stage, *stages[place:]]}


def added_before(document: Document, stage: Document, after: str) -> Document:
    """Return a document with a stage before another one, which needs it instead of what it needed."""
    place, follower = _place(document, after), stage_in(document, after) or {}
    needs = {"needs": follower["needs"]} if follower.get("needs") else {}
    own = {key: value for key, value in stage.items() if key != "needs"} | needs
    joined = {key: value for key, value in follower.items() if key not in {"join", "quorum"}}
    stages = _all(document)
    return {
        **document,
        "stages": [*stages[:place], own, {**joined, "needs": [stage["id"]]}, *stages[place + 1 :]],
    }


def duplicated(document: Document, name: str) -> tuple[Document, str]:
    """Return a document with a copy of a stage behind it, and its name.

    The copy gives its result only to what follows: two stages cannot write one variable in no order.
    """
    copy = {**(stage_in(document, name) or {}), "id": free_name(document, name)}
    copy = with_value(copy, ("output", "to"), GONE) if isinstance(copy.get("output"), dict) else copy
    stages, place = _all(document), _place(document, name) + 1
    return {**document, "stages": [*stages[:place], copy, *stages[place:]]}, copy["id"]


def removed(document: Document, name: str) -> Document:
    """Return a document without a stage: what needed it needs what it needed."""
    stage = stage_in(document, name) or {}
    before = [each for each in _names(stage.get("needs")) if each != name]
    rest = [each for each in _all(document) if each is not stage]
    return {**document, "stages": [_with_needs(each, {name: before}) for each in rest]}


def moved(document: Document, name: str, step: int) -> Document:
    """Return a document with a stage so many places further down, or up; at the ends it stays."""
    stages, place = _all(document), _place(document, name)
    stage = stages.pop(place)
    stages.insert(max(0, place + step), stage)
    return {**document, "stages": stages}


def renamed(document: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]) -> Document:
    """Return a document in which a stage has another name, wherever it is named."""
    changed: Json = document
    for place, value in _mentions(document, old, new, processors):
        changed = with_value(changed, place, value)
    stage = stage_in(changed, old)
    return changed if stage is None else with_stage(changed, old, {**stage, "id": new})


def references(document: Document, name: str, processors: Mapping[str, ProcessorSpec]) -> list[str]:
    """Return where other stages, and the output, name a stage: `draft · input.from`."""
    found = []
    for place, _ in _mentions(document, name, free_name(document, name), processors):
        stage = value_at(document, (*place[:2], "id")) if place[0] == "stages" else ""
        if stage != name:
            found.append(f"{stage} · {path_text(place[2:])}" if stage else path_text(place))
    return found


def _mentions(
    document: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]
) -> Iterator[tuple[Keys, Json]]:
    """Yield each place that names a stage, with what it has to say where that has another name."""
    for number, stage in enumerate(_all(document)):
        if isinstance(stage, dict):
            for place, value in _stage_mentions(stage, old, new, processors):
                yield ("stages", number, *place), value
    yield from _mapping_mentions(document, ("output",), old, new)


def _stage_mentions(
    stage: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]
) -> Iterator[tuple[Keys, Json]]:
    for number, need in enumerate(_names(stage.get("needs"))):
        if need == old:
            yield ("needs", number), new
    if value_at(stage, ("on_error", "goto")) == old:
        yield ("on_error", "goto"), new
    spec = processors.get(str(stage.get("processor")))
    for option in marked_options(spec.options_schema if spec else {}, stage.get("options", {})):
        if (value := _renamed_option(option, old, new)) != option.value:
            yield ("options", *option.at), value
    if isinstance(when := stage.get("when"), str) and (value := renamed_condition(when, old, new)) != when:
        yield ("when",), value
    yield from _mapping_mentions(stage, ("input",), old, new)


def _renamed_option(option: Marked, old: str, new: str) -> Json:
    match option.format:
        case OptionFormat.STAGE:
            return new if option.value == old else option.value
        case OptionFormat.TEMPLATE:
            return renamed_template(option.value, old, new)
        case OptionFormat.CONDITION:
            return renamed_condition(option.value, old, new)
        case OptionFormat.SOURCE:
            return renamed_source(option.value, old, new)
        case _:
            return option.value


def _mapping_mentions(part: Document, at: Keys, old: str, new: str) -> Iterator[tuple[Keys, Json]]:
    source = value_at(part, (*at, "from"))
    if source is not GONE and (value := renamed_source(source, old, new)) != source:
        yield (*at, "from"), value


def _all(document: Document) -> list[Json]:
    written = document.get("stages")
    return list(written) if isinstance(written, list) else []


def _place(document: Document, name: str) -> int:
    """Return where a stage stands. Raises `StopIteration` where there is none."""
    stage = stage_in(document, name)
    return next(place for place, each in enumerate(_all(document)) if each is stage)


def _names(written: Json) -> list[str]:
    return [each for each in written if isinstance(each, str)] if isinstance(written, list) else []


def _with_needs(stage: Json, instead: Mapping[str, Sequence[str]]) -> Json:
    """Return a stage that needs others instead of some."""
    if not isinstance(stage, dict) or not set(_names(stage.get("needs"))) & instead.keys():
        return stage
    needs = [name for need in _names(stage["needs"]) for name in instead.get(need, [need])]
    return with_value(stage, ("needs",), list(dict.fromkeys(needs)) or GONE)
