"""Reading what a provider sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_site.web.logs import spellings
from orchestration.llm.engine.errors import BadAnswer
from orchestration.llm.providers.reading import KeyFilter, SSEParser


def parse(*chunks: bytes, limit: int = 1000) -> list[str]:
    parser = SSEParser(limit=limit)
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: a\n\n", ["a"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a\n\n", [" a"]),
        (b"data: a\r\n\r\n", ["a"]),
        (b"data: a\r\r", ["a"]),
        (b"data: a\r\n\n", ["a"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data\n\n", [""]),
        (b"data\ndata\n\n", ["\n"]),
        (b": comment\n\ndata: a\n\n", ["a"]),
        (b"data: a\n: comment\ndata: b\n\n", ["a\nb"]),
        (b"event: error\ndata: x\n\ndata: y\n\n", ["x", "y"]),
        (b"event: error\n\ndata: y\n\n", ["y"]),
        (b"id: 1\ndata: x\n\ndata: y\n\n", ["x", "y"]),
        (b"retry: 10\nfoo: bar\ndata: x\n\n", ["x"]),
        (b"\xef\xbb\xbfdata: x\n\n", ["x"]),
        (b"data: \xef\xbb\xbf\n\n", ["\ufeff"]),
        (b"data: a:b\n\n", ["a:b"]),
        (b"\n\n\n", []),
        (b"data: never ended\n", []),
        (b"data: never ended", []),
        ("data: 🦊 é\n\n".encode(), ["🦊 é"]),
    ],
)
def test_events_are_read_as_the_specification_says(raw: bytes, events: list[str]) -> None:
    assert parse(raw) == events
    assert parse(*(bytes([byte]) for byte in raw)) == events


LINES = st.sampled_from(
    ["data: a", "data", "data: 🦊", ": c", "event: x", "id: 7", "", "", "data: \ufeff", "nonsense"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.data(), st.lists(st.tuples(LINES, ENDS), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_events(
    data: st.DataObject, lines: list[tuple[str, str]]
) -> None:
    raw = "".join(line + end for line, end in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    chunks = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert parse(*chunks) == parse(raw)


@pytest.mark.parametrize("raw", [b"data: \xff\n", b"data: \xc3\n", b"\xfe\n", b"data: \xed\xa0\x80\n"])
def test_bytes_that_are_not_utf8_are_an_error(raw: bytes) -> None:
    with pytest.raises(BadAnswer, match="not UTF-8"):
        parse(raw)


@pytest.mark.parametrize(
    "chunks",
    [(b"data: " + b"x" * 1001,), (b"data: " + b"x" * 1001 + b"\n",), (b"data: xxxxxxxxx\n",) * 200],
)
def test_an_event_without_end_is_cut_off(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(BadAnswer, match="larger than"):
        parse(*chunks)


def test_events_below_the_limit_pass_however_many_there_are() -> None:
    assert len(parse(*[b"data: " + b"x" * 900 + b"\n\n"] * 50)) == 50


KEY = "sk-canary/47+11=="
SPELLINGS = sorted(spellings(KEY))


@pytest.mark.parametrize("form", SPELLINGS)
def test_a_key_is_hidden_in_every_spelling_wherever_the_text_was_cut(form: str) -> None:
    whole = f"Use s{form}, s"
    for cut in range(len(whole)):
        filtered = KeyFilter(SPELLINGS)
        first = filtered.feed(whole[:cut])
        shown = first + filtered.feed(whole[cut:]) + filtered.rest()
        assert shown == "Use s[key], s"
        assert not first.endswith(tuple(form[:size] for size in range(2, len(form))))


@given(st.lists(st.text(alphabet="sk-cx% ", max_size=20)))
def test_a_text_without_a_key_passes_unchanged_in_any_pieces(pieces: list[str]) -> None:
    filtered = KeyFilter(SPELLINGS)
    assert "".join(map(filtered.feed, pieces)) + filtered.rest() == "".join(pieces)
