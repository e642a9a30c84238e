"""Any document that is read as a model has its wrong fields named, and is read without them."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Discriminator, Field, StringConstraints, Tag

from orchestration.expressions.conditions import parse_condition
from orchestration.expressions.fields import (
    DefinitionPart,
    FieldFault,
    Flag,
    Name,
    Whole,
    field_order,
    parsed,
    readable,
    without_follow_ups,
)
from orchestration.expressions.places import Keys
from orchestration.expressions.values import Json


class Seat(DefinitionPart):
    """A place for a person or a model."""

    name: Name
    role: Annotated[str, StringConstraints(pattern="^[A-Z]+$")] = "SPEAKER"
    votes: Annotated[Whole, Field(ge=0, le=3)] = Field(default=1, alias="has_votes")


class Person(DefinitionPart):
    """Who decides in the end: a person."""

    person: Name


class Rule(DefinitionPart):
    """How is decided in the end."""

    majority: Flag = True


def _way(written: Json) -> str | None:
    if isinstance(written, DefinitionPart):
        return type(written).__name__
    keys = written if isinstance(written, dict) else {}
    return "Person" if "person" in keys else "Rule" if "majority" in keys else None


Ending = Annotated[
    Annotated[Person, Tag("Person")] | Annotated[Rule, Tag("Rule")],
    Discriminator(
        _way,
        custom_error_type="ending",
        custom_error_message="Must be {wanted}",
        custom_error_context={"wanted": "a person or a majority"},
    ),
]


class Table(DefinitionPart):
    """Seats around a table."""

    seats: tuple[Seat, ...] = Field(min_length=1)
    ending: Ending = Field(default_factory=Rule)


def stand_in(at: Keys) -> Json:
    match at:
        case ("seats", int(number), "name"):
            return f"seat-{number}"
        case _:
            return None


def read(**fields: Json) -> tuple[Json, dict[Keys, str]]:
    """Return what is read of a table, and what is wrong by its place."""
    table, faults = readable(Table, fields, stand_in)
    shown = None if table is None else table.model_dump(exclude_unset=True)
    return shown, {fault.at: fault.message for fault in faults}


ANA, BEN = {"name": "ana"}, {"name": "ben"}


@pytest.mark.parametrize(
    ("fields", "at", "message"),
    [
        ({"seats": [ANA, {"name": "Ben"}]}, ("seats", 1, "name"),
         "Must be a small letter, then small letters, digits, - or _; 40 at most."),
        ({"seats": [ANA | {"role": "x"}]}, ("seats", 0, "role"), "Must be ^[A-Z]+$."),
        ({"seats": [ANA | {"has_votes": 9}]}, ("seats", 0, "has_votes"), "Must be at most 3, is 9."),
        ({"seats": [ANA | {"(one)": 1}]}, ("seats", 0, "(one)"),
         "There is no field “(one)”. There are: name, role, has_votes."),
        ({"seats": [ANA], "ending": {"person": 3}}, ("ending", "person"), "Must be text, is 3."),
        ({"seats": [ANA], "ending": {"majority": True, "x": 1}}, ("ending", "x"),
         "There is no field “x”. There are: majority."),
        ({"seats": [ANA], "ending": "no"}, ("ending",), "Must be a person or a majority, is “no”."),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_left_out(fields: dict[str, Json], at: Keys, message: str) -> None:
    table, faults = read(**fields)
    assert faults == {at: message}
    assert [seat["name"] for seat in table["seats"]] == ["ana", "seat-1"][: len(fields["seats"])]


@pytest.mark.parametrize("seats", [[], 3, [{"votes": 1}, 7, ANA], None])
def test_what_cannot_be_replaced_takes_what_it_stands_in_with_it(seats: Json) -> None:
    table, faults = read(seats=seats)
    assert faults
    assert table is None or table["seats"][-1] == ANA


def test_a_document_of_another_kind_is_wrong_as_a_whole() -> None:
    assert readable(Table, 3, stand_in) == (None, [FieldFault(at=(), message="Must be an object, is 3.")])


def test_places_are_sorted_by_fields_and_items_and_unknown_ones_come_last() -> None:
    places: list[Keys] = [
        ("more",), ("ending", "person"), ("seats", 1, "name"), ("seats", 0, "x"), ("seats", 0, "role"), (),
    ]  # fmt: skip
    assert sorted(places, key=lambda at: field_order(Table, at)) == [
        (), ("seats", 0, "role"), ("seats", 0, "x"), ("seats", 1, "name"), ("ending", "person"), ("more",),
    ]  # fmt: skip
    assert field_order(Seat, ("name", "a", "b")) == (0,)


def test_what_follows_from_a_wrong_field_is_left_out() -> None:
    places: list[Keys] = [("a", "x"), ("b",), ("c", "of"), ("d", "of"), ("d", "to")]
    found = [FieldFault(at=at, message="?") for at in places]
    wrong = [FieldFault(at=("a",), message="!"), FieldFault(at=("d", "by"), message="!")]
    left = without_follow_ups(found, wrong, {"of": ("by", "at")})
    assert [each.at for each in left] == [("b",), ("c", "of"), ("d", "to")]


def test_an_expression_that_cannot_be_read_is_a_fault_with_its_character() -> None:
    fault = parsed(parse_condition, "a >", ("when",))
    assert fault == FieldFault(at=("when",), message="The condition is not complete, at character 4.")
    assert fault.under("rules", 2).at == ("rules", 2, "when")
