"""Streaming text: frames that come late, early, twice or not at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.runs.parts.streams import Patch, StreamedText, Streams

WHOLE = "The quick brown fox jumps over the lazy dog."


def test_frames_in_order_are_appended() -> None:
    text = StreamedText()
    assert [text.extend(0, "The "), text.extend(4, "quick")] == [Patch("The "), Patch("quick")]
    assert text.known == "The quick"


def test_a_frame_that_a_row_already_brought_changes_nothing() -> None:
    text = StreamedText("The quick")
    assert text.extend(4, "qui") is None
    assert text.known == "The quick"


def test_a_frame_that_overlaps_adds_only_what_is_new() -> None:
    assert StreamedText("The quick").extend(4, "quick brown") == Patch(" brown")


def test_an_answer_that_starts_again_replaces_the_old_one() -> None:
    text = StreamedText("The quick brown")
    assert text.extend(0, "A slow") == Patch("A slow", whole=True)
    assert text.known == "A slow"


def test_a_gap_is_kept_until_the_row_has_caught_up() -> None:
    text = StreamedText("The ")
    assert text.extend(10, "brown ") is None
    assert text.extend(16, "fox") is None
    assert text.gapped
    assert text.fill("The qu") == Patch("qu")
    assert text.gapped
    assert text.fill("The quick ") == Patch("ick brown fox")
    assert not text.gapped
    assert text.known == "The quick brown fox"


def test_a_row_that_lags_behind_takes_nothing_away() -> None:
    text = StreamedText("The quick")
    assert text.fill("The") is None
    assert text.known == "The quick"


def test_a_row_of_another_attempt_replaces_the_text() -> None:
    assert StreamedText("The quick").fill("A slow") == Patch("A slow", whole=True)


@given(
    st.lists(st.integers(0, len(WHOLE)), max_size=12),
    st.sets(st.integers(0, 12)),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, len(WHOLE))), max_size=6),
)
def test_whatever_is_lost_the_last_row_makes_it_whole(
    cuts: list[int], lost: set[int], rows: list[tuple[int, int]]
) -> None:
    text, shown = StreamedText(), ""
    edges = sorted({0, *cuts, len(WHOLE)})
    for place, (start, end) in enumerate(pairwise(edges)):
        patches = [text.fill(WHOLE[: min(size, end)]) for at, size in rows if at == place]
        patches += [] if place in lost else [text.extend(start, WHOLE[start:end])]
        for patch in filter(None, patches):
            shown = patch.text if patch.whole else shown + patch.text
        assert WHOLE.startswith(shown)
    for patch in filter(None, [text.fill(WHOLE)]):
        shown += patch.text
    assert shown == text.known == WHOLE


class TestStreams:
    def test_text_waits_until_its_lane_is_on_the_page(self) -> None:
        streams = Streams()
        assert streams.extend("c1", 0, "Hello") == ""
        html = streams.draw({"c1": ""}, {"c1"})
        assert html == '<div id="text-c1" hx-swap-oob="innerHTML">Hello</div>'
        assert streams.extend("c1", 5, " you") == '<div id="text-c1" hx-swap-oob="beforeend"> you</div>'

    def test_a_lane_drawn_anew_gets_back_what_its_row_lacked(self) -> None:
        streams = Streams()
        streams.start({"c1": "Hel"})
        streams.extend("c1", 3, "lo you")
        assert "Hello you" in streams.draw({"c1": "Hello"}, {"c1"})

    def test_a_lane_that_was_not_drawn_gets_only_what_is_missing(self) -> None:
        streams = Streams()
        streams.start({"c1": "Hel"})
        assert streams.draw({"c1": "Hello"}, set()) == '<div id="text-c1" hx-swap-oob="beforeend">lo</div>'

    def test_late_frames_of_a_call_that_has_ended_are_not_sent(self) -> None:
        streams = Streams()
        streams.start({"c1": "Hello"})
        streams.draw({}, set())
        assert streams.extend("c1", 5, " you") == ""

    def test_a_gap_is_named_and_filled_from_the_row(self) -> None:
        streams = Streams()
        streams.start({"c1": "Hel"})
        assert streams.extend("c1", 6, "you") == ""
        assert streams.gaps == ["c1"]
        assert ">lo you<" in streams.fill({"c1": "Hello "})
        assert streams.gaps == []

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b", '" onclick="x'])
    def test_text_is_data_never_markup(self, text: str) -> None:
        streams = Streams()
        streams.start({"c1": ""})
        html = streams.extend("c1", 0, text)
        assert "<script" not in html
        assert text not in html.removeprefix('<div id="text-c1" hx-swap-oob="beforeend">')

    def test_frames_of_ever_more_unknown_calls_are_not_hoarded(self) -> None:
        streams = Streams()
        for number in range(1000):
            streams.extend(f"c{number}", 0, "x")
        assert len(streams._texts) <= 256
