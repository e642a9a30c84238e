"""Items of a list are found by their id, replaced, moved and named, whatever else the list has."""

from __future__ import annotations

import pytest

from orchestration.expressions.listed import all_items, free_id, item_in, items_in, moved_item, with_items
from orchestration.llm.engine.types import Json

A, B, ODD = {"id": "a"}, {"id": "b"}, {"id": 4}
DOCUMENT: dict[str, Json] = {"name": "x", "things": [A, ODD, 7, B, {"id": "a", "second": True}]}


def things(document: Json) -> list[Json]:
    return all_items(document, "things")


def test_items_have_an_id_and_the_first_of_several_is_found() -> None:
    assert [each["id"] for each in items_in(DOCUMENT, "things")] == ["a", "b", "a"]
    assert item_in(DOCUMENT, "things", "a") == A
    assert item_in(DOCUMENT, "things", "c") is None


@pytest.mark.parametrize("document", [None, [], "x", {}, {"things": {}}, {"things": [1, {}, ODD]}])
def test_what_is_no_list_of_items_has_none(document: Json) -> None:
    assert items_in(document, "things") == []
    assert free_id(document, "things", "a") == "a"


def test_others_take_the_place_of_an_item_and_the_rest_stays() -> None:
    assert things(with_items(DOCUMENT, "things", "b", lambda each: [each, {**each, "id": "c"}])) == [
        *things(DOCUMENT)[:4],
        {"id": "c"},
        things(DOCUMENT)[4],
    ]
    assert things(with_items(DOCUMENT, "things", "a", lambda _: [])) == things(DOCUMENT)[1:]
    assert with_items(DOCUMENT, "things", "nobody", lambda _: []) == DOCUMENT


def test_an_item_is_moved_and_stays_at_the_ends() -> None:
    assert things(moved_item(DOCUMENT, "things", "b", -1))[2] == B
    assert things(moved_item(DOCUMENT, "things", "b", -9))[0] == B
    assert things(moved_item(DOCUMENT, "things", "a", 1))[:2] == [ODD, A]


def test_a_name_that_is_taken_gets_a_number_and_is_not_too_long() -> None:
    assert free_id({"things": [A, {"id": "a-2"}]}, "things", "a") == "a-3"
    long = "x" * 40
    assert free_id({"things": [{"id": long}]}, "things", long) == "x" * 36 + "-2"
