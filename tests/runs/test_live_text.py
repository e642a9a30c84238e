"""Streaming text: frames that come late, early, twice or not at all."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.templatetags.excerpts import SHOWN_BYTES
from orchestration.runs.parts.frames import LARGEST_FRAME, messages
from orchestration.runs.parts.streams import Patch, StreamedText, Streams

RUN = UUID(int=1)
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
        streams = Streams(RUN)
        assert streams.extend("c1", 0, "Hello") == ""
        html = "".join(streams.draw({"c1": ""}, {"c1"}))
        assert html == '<div id="text-c1" hx-swap-oob="innerHTML">Hello</div>'
        assert streams.extend("c1", 5, " you") == '<div id="text-c1" hx-swap-oob="beforeend"> you</div>'

    def test_a_lane_drawn_anew_gets_back_what_its_row_lacked(self) -> None:
        streams = Streams(RUN)
        streams.start({"c1": "Hel"})
        streams.extend("c1", 3, "lo you")
        assert "Hello you" in "".join(streams.draw({"c1": "Hello"}, {"c1"}))

    def test_a_lane_that_was_not_drawn_gets_only_what_is_missing(self) -> None:
        streams = Streams(RUN)
        streams.start({"c1": "Hel"})
        assert streams.draw({"c1": "Hello"}, set()) == ['<div id="text-c1" hx-swap-oob="beforeend">lo</div>']

    def test_late_frames_of_a_call_that_has_ended_are_not_sent(self) -> None:
        streams = Streams(RUN)
        streams.start({"c1": "Hello"})
        streams.draw({}, set())
        assert streams.extend("c1", 5, " you") == ""

    def test_a_gap_is_named_and_filled_from_the_row(self) -> None:
        streams = Streams(RUN)
        streams.start({"c1": "Hel"})
        assert streams.extend("c1", 6, "you") == ""
        assert streams.gaps == ["c1"]
        assert ">lo you<" in "".join(streams.fill({"c1": "Hello "}))
        assert streams.gaps == []

    @pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a & b", '" onclick="x'])
    def test_text_is_data_never_markup(self, text: str) -> None:
        streams = Streams(RUN)
        streams.start({"c1": ""})
        html = streams.extend("c1", 0, text)
        assert "<script" not in html
        assert text not in html.removeprefix('<div id="text-c1" hx-swap-oob="beforeend">')

    def test_frames_of_ever_more_unknown_calls_are_not_hoarded(self) -> None:
        streams = Streams(RUN)
        for number in range(1000):
            streams.extend(f"c{number}", 0, "x")
        assert len(streams._texts) <= 256


class TestLongTexts:
    @pytest.mark.parametrize("character", ["x", "'", "\N{SNOWMAN}", "\N{PILE OF POO}"])
    def test_what_is_shown_of_an_endless_text_fits_into_a_message(self, character: str) -> None:
        streams, call = Streams(RUN), str(uuid4())
        sent: list[str] = []
        streams.start({call: ""})
        for offset in range(0, 1_000_000, 50_000):
            sent += messages([streams.extend(call, offset, character * 50_000)])
        shown = "".join(sent)
        assert len(shown.encode()) < SHOWN_BYTES * 1.01 + 500
        assert max(len(each.encode()) for each in sent) < LARGEST_FRAME
        assert shown.count(f"/runs/{RUN}/text/{call}") == 1
        assert streams.gaps == []

    def test_a_full_text_is_replaced_by_another_attempt(self) -> None:
        text = StreamedText()
        text.extend(0, "x" * 300_000)
        assert text.is_full
        assert text.extend(0, "A slow") == Patch("A slow", whole=True)
        assert not text.is_full

    def test_a_row_longer_than_is_shown_leaves_no_gap(self) -> None:
        text = StreamedText()
        patch = text.fill("'" * 250_000)
        assert patch is not None
        assert patch.is_last
        assert text.extend(100_000, "more") is None
        assert not text.gapped
