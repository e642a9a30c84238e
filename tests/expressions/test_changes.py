"""Two documents of any kind are compared in sentences."""

from __future__ import annotations

import pytest

from orchestration.expressions.changes import Labels, differences, moves
from orchestration.expressions.values import Json

LABELS: Labels = {"limit.money": "budget", "seats": ("without", "with")}


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ({"limit": {"money": 1}}, {"limit": {"money": 2.5}}, ["budget 1 → 2.5"]),
        ({"seats": ["a", "b"]}, {"seats": ["b", "c"]}, ["without a", "with c"]),
        ({"seats": ["a", "b"]}, {"seats": ["b", "a"]}, []),
        ({"title": "x"}, {}, ["title “x” → not given"]),
    ],
)
def test_a_difference_is_a_sentence(old: Json, new: Json, messages: list[str]) -> None:
    assert [each.message for each in differences(old, new, LABELS)] == messages


@pytest.mark.parametrize(
    ("before", "after", "messages"),
    [
        ("a b c", "a c d", ["Seat b was removed", "Seat d was added after c"]),
        ("a b c", "c b a", ["a and c were swapped"]),
        ("a b c d", "d a b c", ["Seat d was moved to the beginning"]),
        ("", "", []),
    ],
)
def test_names_of_a_list_come_go_and_move(before: str, after: str, messages: list[str]) -> None:
    assert [said for _, said in moves(before.split(), after.split(), "Seat")] == messages
