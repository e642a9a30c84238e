"""What two answers have in common and where they differ, whatever they say and however long they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.alphabets import encodable
from orchestration.runs.parts.differences import Piece, PieceKind, marked_differences, share_in_common

SIGNS = {PieceKind.SAME: "=", PieceKind.ADDED: "+", PieceKind.REMOVED: "-"}
TEXTS = st.text(alphabet="ab \n.éß漢\u0301", max_size=60) | st.text(max_size=60)


def written(pieces: list[Piece]) -> list[str]:
    return [f"{SIGNS[piece.kind]}{piece.text}" for piece in pieces]


@pytest.mark.parametrize(
    ("base", "other", "marked"),
    [
        ("", "", []),
        ("Paris", "Paris", ["=Paris"]),
        ("", "Paris", ["+Paris"]),
        ("Paris", "", ["-Paris"]),
        ("It is Paris today.", "It is Lyon today.", ["=It is ", "-Paris ", "+Lyon ", "=today."]),
        ("one two three", "one three", ["=one ", "-two ", "=three"]),
        ("a line\nand more", "a line and more", ["=a line and more"]),
        ("مُحَمَّد رسول", "مُحَمَّد نبي", ["=مُحَمَّد ", "-رسول", "+نبي"]),
        ("東京都", "東京市", ["=東京", "-都", "+市"]),
        ("costs 4.5 dollars", "costs 4.2 dollars", ["=costs ", "-4.5 ", "+4.2 ", "=dollars"]),
        ("red, blue", "green, yellow", ["-red, blue", "+green, yellow"]),
    ],
)
def test_differences_are_marked_word_by_word(base: str, other: str, marked: list[str]) -> None:
    assert written(marked_differences(base, other)) == marked


@given(TEXTS, TEXTS)
def test_what_is_not_removed_is_the_other_text(base: str, other: str) -> None:
    pieces = marked_differences(base, other)
    kept = "".join(piece.text for piece in pieces if piece.kind is not PieceKind.REMOVED)
    first = "".join(piece.text for piece in pieces if piece.kind is not PieceKind.ADDED)
    assert kept == encodable(other)
    assert first.split() == encodable(base).split() or "".join(first.split()) == "".join(
        encodable(base).split()
    )


@pytest.mark.parametrize(
    ("base", "other", "share"),
    [("", "", 1), ("a b", "a  b", 1), ("ab cd", "ab ce", 0.5), ("ab", "", 0), ("ab", "cd efgh", 0)],
)
def test_the_share_in_common_is_that_of_the_longer_text(base: str, other: str, share: float) -> None:
    assert share_in_common(marked_differences(base, other)) == share


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(piece.kind is PieceKind.SAME for piece in marked_differences(text, text))


def test_long_texts_are_compared_by_lines_first() -> None:
    lines = [f"line {number} of a long answer" for number in range(4_000)]
    other = [*lines[:2_000], "something else entirely", *lines[2_001:3_998], "the end"]
    pieces = marked_differences("\n".join(["first", *lines]), "\n".join(["begin", *other]))
    changed = [piece.text.strip() for piece in pieces if piece.kind is PieceKind.ADDED]
    assert changed == ["begin", "something else entirely", "the end"]


def test_texts_without_end_that_have_nothing_in_common_differ_as_a_whole() -> None:
    base, other = "a " * 100_000, "b " * 100_000
    assert [piece.kind for piece in marked_differences(base, other)] == [PieceKind.REMOVED, PieceKind.ADDED]
