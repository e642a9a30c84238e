"""Sources, templates and conditions in which a stage is named, with another name of that stage.

What cannot be read stays as it is, and so does what would read something else afterwards.
"""

from __future__ import annotations

from dataclasses import replace

from orchestra_site.web.patterns import DOTALL, Match, Pattern
from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.templates import parse_template
from orchestration.llm.engine.types import Json
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
