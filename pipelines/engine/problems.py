"""What is wrong with a definition, and where: the words that reading and validation share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.values import shortened, unknown
from pipelines.engine.rules import DefinitionPart

MOST_PROBLEMS = 200
"""Problems that are listed of one definition."""
LONGEST_SHOWN = 60
NAME = Pattern(r"[a-z][a-z0-9_-]{0,39}")
_PLAIN_KEY = Pattern(r"[A-Za-z_][A-Za-z0-9_-]*")

TAGS = {"(word)", "(DefaultValue)", "(GoTo)", "(FallbackPipeline)", "(one)", "(several)", "[key]"}
"""What pydantic adds to the place of an error: how a field is written, and that it is a key."""
TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
LIMITS = {"greater_than": "more than", "greater_than_equal": "at least", "less_than_equal": "at most"}

Keys = tuple[str | int, ...]
"""The keys and indexes that lead to a value of a document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What is wrong at one place of a definition, in a sentence.

    `path` is as in `stages.classify.input.from`; a stage whose name cannot be used is `stages[3]`. `field` is
    the path within the `stage`, or that within the pipeline where there is none.
    """

    path: str
    message: str
    stage: str = ""
    field: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldFault:
    """What is wrong at a field of a stage (by its number) or of the pipeline; `below` ends the path."""

    at: Keys
    message: str
    stage: int | None = None
    below: str = ""


def stage_places(names: Sequence[object]) -> tuple[Keys, ...]:
    """Return where each stage stands: by its name, of equal ones the first; others by their number."""
    first: dict[object, int] = {}
    for number, name in enumerate(names):
        if isinstance(name, str) and NAME.fullmatch(name):
            first.setdefault(name, number)
    by_number = {number: name for name, number in first.items()}
    return tuple(
        ("stages", str(by_number[number]) if number in by_number else number) for number in range(len(names))
    )


def problem_at(message: str, *place: str | int) -> Problem:
    """Return a problem of a pipeline outside its stages."""
    path = path_text(place)
    return Problem(path=path, message=message, field=path)


def located(faults: Iterable[FieldFault], names: Sequence[object]) -> tuple[Problem, ...]:
    """Return faults at their paths, none twice; `names` is what is written as the names of the stages."""
    places = stage_places(names)
    found: dict[Problem, None] = {}
    for fault in faults:
        rest = f".{fault.below}" if fault.below and not fault.below.startswith("[") else fault.below
        place = () if fault.stage is None else places[fault.stage]
        name = "" if fault.stage is None else names[fault.stage]
        problem = Problem(
            path=path_text((*place, *fault.at)) + rest,
            message=fault.message,
            stage=name if isinstance(name, str) and NAME.fullmatch(name) else "",
            field=path_text(fault.at) + rest,
        )
        found[problem] = None
    return tuple(found)


def path_text(place: Iterable[str | int]) -> str:
    """Return a place in writing, as in `stages.draft.needs[0]`; keys with other characters are quoted."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        plain = len(part) <= LONGEST_SHOWN and _PLAIN_KEY.fullmatch(part) is not None
        name = part if plain else json.dumps(part[:LONGEST_SHOWN], ensure_ascii=False)
        path += f".{name}" if path else name
    return path


def wrong_fields(error: ValidationError, part: type[DefinitionPart]) -> Iterator[FieldFault]:
    """Yield what is wrong with the fields of a part of a definition, in words."""
    details = error.errors(include_url=False)
    around = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    for detail in details:
        if (
            detail["type"] != "too_short" or detail["loc"] not in around
        ):  # it counts only items without an error
            at = tuple(key for key in detail["loc"] if key not in TAGS)
            yield FieldFault(at=at, message=_sentence(detail, part))


def _sentence(detail: ErrorDetails, part: type[DefinitionPart]) -> str:
    wrong, limits = detail["type"], detail.get("ctx", {})
    unit = "character" if wrong.startswith("string") else "item"
    match wrong:
        case "missing":
            return "This is missing."
        case "extra_forbidden":
            return unknown("field", str(detail["loc"][-1]), _fields(part, detail["loc"][:-1]))
        case "string_pattern_mismatch":
            return "Must be a small letter, then small letters, digits, - or _; 40 at most."
        case "too_short" | "string_too_short":
            return f"Must have at least {limits['min_length']} {unit}."
        case "too_long" | "string_too_long":
            return f"Must have at most {limits['max_length']} {unit}s."
        case "enum" | "literal_error":
            rules = ", {default: …}, {goto: …} or {pipeline: …}" if "(word)" in detail["loc"] else ""
            wanted = limits["expected"].replace("'", "")
            wanted = wanted.replace(" or ", ", ") + rules if rules else wanted
        case "greater_than" | "greater_than_equal" | "less_than_equal":
            wanted = f"{LIMITS[wrong]} {next(iter(limits.values())):g}"
        case _:
            wanted = TYPES.get(wrong, "another value")
    return f"Must be {wanted}, is {shortened(detail['input'])}."


def _fields(part: type[DefinitionPart], place: Keys) -> list[str]:
    """Return the names of the fields at a place in a part of a definition."""
    parts = [part]
    for key in place:
        if key in TAGS:
            parts = [part for part in parts if f"({part.__name__})" == key]
        elif isinstance(key, str):
            parts = [
                inner
                for part in parts
                for name, field in part.model_fields.items()
                if (field.alias or name) == key
                for inner in _parts_in(field.annotation)
            ]
    return [field.alias or name for part in parts for name, field in part.model_fields.items()]


def _parts_in(annotation: object) -> Iterator[type[DefinitionPart]]:
    """Yield the parts of a definition that a type names."""
    if isinstance(annotation, type) and issubclass(annotation, DefinitionPart):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)
