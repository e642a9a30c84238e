"""Documents that are read as pydantic models: what is wrong with their fields, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Annotated, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from orchestra_site.web.patterns import Pattern
from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.places import Keys, is_inside
from orchestration.expressions.transforms.specs import title
from orchestration.expressions.values import Json, shortened, unknown

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
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
NAME = Pattern(r"[a-z][a-z0-9_-]{0,39}")
Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
"""What a part is called by."""
PATTERNS = {f"^{NAME.pattern}$": "a small letter, then small letters, digits, - or _; 40 at most"}


class DefinitionPart(BaseModel):
    """Base of the parts of a definition: unknown fields are refused, nothing is converted silently.

    What is said below a field is its description in forms.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        field_title_generator=title,
    )


Part = TypeVar("Part", bound=DefinitionPart)
Parsed = TypeVar("Parsed")
StandIn = Callable[[Keys], Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldFault:
    """What is wrong at a field of a document."""

    at: Keys
    message: str

    def under(self, *place: str | int) -> FieldFault:
        """Return the same fault of a document in which this one is at a place."""
        return FieldFault(at=(*place, *self.at), message=self.message)


@cache
def part_schema(part: type[DefinitionPart]) -> Json:
    """Return the JSON Schema of a part of a document."""
    return part.model_json_schema(by_alias=True)


def parsed(parse: Callable[[Json], Parsed], written: Json, at: Keys) -> Parsed | FieldFault:
    """Return what is read, or why it cannot be, with the character where that is known and not said."""
    try:
        return parse(written)
    except ExpressionError as error:
        message = str(error)
        if error.position is not None and "character" not in message:
            message = f"{message.removesuffix('.')}, at character {error.position + 1}."
        return FieldFault(at=at, message=message)


def readable(part: type[Part], written: Json, stand_in: StandIn) -> tuple[Part | None, list[FieldFault]]:
    """Return a document without the fields that are wrong, and these.

    `stand_in` gives what can be read in the place of a field that has to be there, None for all others.
    There is no document where the whole of it is wrong, or a field that is not replaced and has to be there.
    """
    try:
        return part.model_validate(written), []
    except ValidationError as error:
        wrong = list(_wrong_fields(error, part, written))
    if any(not fault.at for fault in wrong):
        return None, wrong
    rest = deepcopy(written)
    left_out = [_leave_out(rest, fault.at, stand_in) for fault in wrong]
    return readable(part, rest, stand_in)[0] if any(left_out) else None, wrong  # it may still lack something


def _leave_out(document: Json, at: Keys, stand_in: StandIn) -> bool:
    """Take a field out of a document, or what it stands in; return whether the document is another one."""
    if not at:
        return False
    holder, key = document, at[-1]
    for each in at[:-1]:
        if not is_inside(holder, each):
            return True  # what it stood in is left out already
        holder = holder[each]
    instead = stand_in(at)
    if instead is not None and (not is_inside(holder, key) or holder[key] != instead):
        holder[key] = instead
    elif isinstance(holder, dict) and key in holder and instead is None:
        del holder[key]
    else:
        return _leave_out(document, at[:-1], stand_in)
    return True


def without_follow_ups(
    found: Iterable[FieldFault], wrong: Sequence[FieldFault], together: Mapping[str | int, Sequence[str]]
) -> Iterator[FieldFault]:
    """Yield faults except for those at, or below, a field that is wrong, or that goes `together` with one.

    A field is judged only where those beside it are right that are said to go with it.
    """
    places = {each.at for each in wrong}
    around = {each.at[:length] for each in wrong for length in range(1, len(each.at) + 1)}
    for fault in found:
        above = [fault.at[:length] for length in range(len(fault.at) + 1)]
        pairs = zip(above, fault.at, strict=False)
        beside = ((*at, each) for at, key in pairs for each in together.get(key, ()))
        if places.isdisjoint(above) and around.isdisjoint(beside):
            yield fault


def field_order(part: type[DefinitionPart], at: Keys) -> tuple[int, ...]:
    """Return a key to sort places by, in the order of the fields and items; unknown fields come last."""
    parts, order = [part], list[int]()
    for key in at:
        if isinstance(key, int):
            order.append(key)
        elif parts:
            fields = _names(parts)
            order.append(fields.index(key) if key in fields else len(fields))
            parts = _parts_below(parts, key)
    return tuple(order)


def _wrong_fields(error: ValidationError, part: type[DefinitionPart], written: Json) -> Iterator[FieldFault]:
    details = error.errors(include_url=False)
    around = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
    for detail in details:
        if detail["type"] != "too_short" or detail["loc"] not in around:  # it counts items without an error
            yield FieldFault(at=_place(detail, written), message=_sentence(detail, part))


def _place(detail: ErrorDetails, written: Json) -> Keys:
    """Return where an error is, without what pydantic adds: the choice of a union, or that a key is wrong."""
    at: Keys = ()
    for key in detail["loc"]:
        if is_inside(written, key):
            at, written = (*at, key), written[key]
    return (*at, detail["loc"][-1]) if detail["type"] == "missing" else at


def _sentence(detail: ErrorDetails, part: type[DefinitionPart]) -> str:
    """Return what is wrong; the context of an error that a model raises itself may say what is `wanted`."""
    wrong, limits = detail["type"], detail.get("ctx", {})
    unit = "character" if wrong.startswith("string") else "item"
    match wrong:
        case "missing":
            return "This is missing."
        case "extra_forbidden":
            return unknown("field", str(detail["loc"][-1]), _fields(part, detail["loc"][:-1]))
        case "string_pattern_mismatch":
            return f"Must be {PATTERNS.get(limits['pattern'], limits['pattern'])}."
        case "too_short" | "string_too_short":
            return f"Must have at least {limits['min_length']} {unit}."
        case "too_long" | "string_too_long":
            return f"Must have at most {limits['max_length']} {unit}s."
        case "enum" | "literal_error":
            wanted = limits["expected"].replace("'", "")
        case "greater_than" | "greater_than_equal" | "less_than_equal":
            wanted = f"{LIMITS[wrong]} {next(iter(limits.values())):g}"
        case _:
            wanted = limits.get("wanted") or TYPES.get(wrong, "another value")
    return f"Must be {wanted}, is {shortened(detail['input'])}."


def _fields(part: type[DefinitionPart], place: Keys) -> list[str]:
    """Return the names of the fields at a place; a union is tagged with the names of its classes."""
    parts = [part]
    for key in place:
        chosen = [each for each in parts if each.__name__ == key]
        parts = chosen or _parts_below(parts, key) or parts
    return _names(parts)


def _names(parts: Sequence[type[DefinitionPart]]) -> list[str]:
    return [field.alias or name for each in parts for name, field in each.model_fields.items()]


def _parts_below(parts: Sequence[type[DefinitionPart]], key: str | int) -> list[type[DefinitionPart]]:
    """Return the parts of a document that a field of others may have."""
    fields = [
        field for each in parts for name, field in each.model_fields.items() if (field.alias or name) == key
    ]
    return [part for field in fields for part in _parts_in(field.annotation)]


def _parts_in(annotation: object) -> Iterator[type[DefinitionPart]]:
    """Yield the parts of a document that a type names."""
    if isinstance(annotation, type) and issubclass(annotation, DefinitionPart):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)
