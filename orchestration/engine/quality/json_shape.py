"""Whether a JSON value has the shape of a schema: the part of JSON Schema that models are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestration.engine.types import Json

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Json, schema: Mapping[str, Json], at: str = "") -> Iterator[str]:
    """Yield a phrase for each way in which `value` does not fit.

    Understands type, enum, const, required, properties, additionalProperties (false), items, minimum and
    maximum; other keywords are not looked at.
    """
    place = at or "the answer"
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if names and not any(_is(value, name) for name in names):
        yield f"{place} is not {' or '.join(names)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} is none of {', '.join(map(str, schema['enum']))}"
    if "const" in schema and value != schema["const"]:
        yield f"{place} is not {schema['const']}"
    yield from _inside(value, schema, at, place)


def _is(value: Json, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(name, (object,)))


def _inside(value: Json, schema: Mapping[str, Json], at: str, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _object_faults(value, schema, at, place)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{at}[{number}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield f"{place} is below {schema['minimum']}"
        if value > schema.get("maximum", value):
            yield f"{place} is above {schema['maximum']}"


def _object_faults(
    value: Mapping[str, Json], schema: Mapping[str, Json], at: str, place: str
) -> Iterator[str]:
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{place} lacks {name}"
    for name, held in value.items():
        if name in properties:
            yield from faults(held, properties[name], f"{at}.{name}".lstrip("."))
        elif schema.get("additionalProperties") is False:
            yield f"{place} has {name}, which nobody asked for"
