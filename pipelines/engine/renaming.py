"""A stage gets another name wherever it is named: in needs, sources, templates, conditions and options.

What cannot be read stays as it is, and so does what would read something else afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestra_site.web.patterns import DOTALL, Match, Pattern
from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.templates import parse_template
from orchestration.llm.engine.types import Json
from pipelines.engine.editing import GONE, Document, free_name, stage_in, value_at, with_stage, with_value
from pipelines.engine.options import Marked, OptionFormat, ProcessorSpec, marked_options
from pipelines.engine.problems import Keys, path_text
from pipelines.engine.scope import Root
from pipelines.engine.sources import parse_place

_INSIDE = Pattern(r"\{\{.*?\}\}|\{%.*?%\}", DOTALL)
"""What of a template is no plain text."""
_TEXT = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_STAGE = Pattern(
    rf"({_TEXT})|(\.\s*)?\bstages\s*(?:\.\s*([a-zA-Z_]\w*)|\[\s*(?:\"([\w-]+)\"|'([\w-]+)')\s*\])"
)
_PLAIN = Pattern(r"[a-zA-Z_]\w*")
_WORDS = {"in", "true", "false", "null"}
"""Names that a condition reads only in quotes."""


def renamed_source(written: Json, old: str, new: str) -> Json:
    """Return a source as it is written, with the new name of a stage."""
    match written:
        case str():
            return _renamed_place(written, old, new)
        case {"template": str(text), **others} if not others:
            return {"template": renamed_template(text, old, new)}
        case {"from": source, **others} if not others.keys() - {"default"}:
            return {**written, "from": renamed_source(source, old, new)}
        case dict() if written.keys() != {"value"}:
            return {name: renamed_source(each, old, new) for name, each in written.items()}
        case list():
            return [renamed_source(each, old, new) for each in written]
        case _:
            return written


def _renamed_place(written: str, old: str, new: str) -> str:
    try:
        place = parse_place(written)
    except ExpressionError:
        return written
    if place.root is not Root.STAGES or place.keys[0] != old:
        return written
    return str(replace(place, keys=(new, *place.keys[1:])))


def renamed_template(text: str, old: str, new: str) -> str:
    """Return a template with the new name of a stage."""
    changed = _INSIDE.sub(lambda found: _renamed_expression(found.group(), old, new), text)
    if changed == text:
        return text
    try:
        before, after = parse_template(text).paths, parse_template(changed).paths
    except ExpressionError:
        return text
    first = (Root.STAGES.value, old)
    wanted = {(first[0], new, *path[2:]) if path[:2] == first else path for path in before}
    return changed if after == wanted else text


def renamed_condition(text: str, old: str, new: str) -> str:
    """Return a condition with the new name of a stage."""
    changed = _renamed_expression(text, old, new)
    try:
        parse_condition(changed)
    except ExpressionError:
        return text
    return changed


def _renamed_expression(text: str, old: str, new: str) -> str:
    def name(found: Match) -> str:
        literal, field_of, *names = found.groups()
        if literal or field_of or old not in names:
            return str(found.group())
        is_plain = _PLAIN.fullmatch(new) and new not in _WORDS
        return f"stages.{new}" if is_plain else f'stages["{new}"]'

    return _STAGE.sub(name, text)


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
    for number, stage in enumerate(_listed(document.get("stages"))):
        if isinstance(stage, dict):
            for place, value in _stage_mentions(stage, old, new, processors):
                yield ("stages", number, *place), value
    yield from _mapping_mentions(document, ("output",), old, new)


def _stage_mentions(
    stage: Document, old: str, new: str, processors: Mapping[str, ProcessorSpec]
) -> Iterator[tuple[Keys, Json]]:
    for number, need in enumerate(_listed(stage.get("needs"))):
        if need == old:
            yield ("needs", number), new
    if value_at(stage, ("on_error", "goto")) == old:
        yield ("on_error", "goto"), new
    spec = processors.get(str(stage.get("processor")))
    for option in marked_options(spec.options_schema if spec else {}, stage.get("options", {})):
        if (value := _renamed_option(option, old, new)) != option.value:
            yield ("options", *option.at), value
    inner = value_at(stage, ("options", "stage"))
    for place, value in _stage_mentions(inner, old, new, processors) if isinstance(inner, dict) else ():
        yield ("options", "stage", *place), value
    if isinstance(when := stage.get("when"), str) and (value := renamed_condition(when, old, new)) != when:
        yield ("when",), value
    yield from _mapping_mentions(stage, ("input",), old, new)


def _renamed_option(option: Marked, old: str, new: str) -> Json:
    match option.format:
        case OptionFormat.STAGE:
            return new if option.value == old else option.value
        case OptionFormat.TEMPLATE | OptionFormat.TEMPLATES:
            return _renamed_texts(option.value, old, new)
        case OptionFormat.CONDITION:
            return renamed_condition(option.value, old, new)
        case OptionFormat.SOURCE:
            return renamed_source(option.value, old, new)
        case OptionFormat.SOURCES:
            return _renamed_sources(option.value, old, new)
        case _:
            return option.value


def _mapping_mentions(part: Document, at: Keys, old: str, new: str) -> Iterator[tuple[Keys, Json]]:
    source = value_at(part, (*at, "from"))
    if source is not GONE and (value := renamed_source(source, old, new)) != source:
        yield (*at, "from"), value


def _renamed_sources(written: Json, old: str, new: str) -> Json:
    """Return sources with the new name, among which names of stages alone stand for their outputs."""
    if isinstance(written, list):
        return [_renamed_sources(each, old, new) for each in written]
    return new if written == old else renamed_source(written, old, new)


def _renamed_texts(written: Json, old: str, new: str) -> Json:
    """Return a value with the new name in all texts, each of which is a template."""
    if isinstance(written, str):
        return renamed_template(written, old, new)
    if isinstance(written, dict):
        return {name: _renamed_texts(each, old, new) for name, each in written.items()}
    return [_renamed_texts(each, old, new) for each in written] if isinstance(written, list) else written


def _listed(written: Json) -> list[Json]:
    return written if isinstance(written, list) else []
