"""Recordings as files: what is read, what is refused, and in which words."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.llm.engine.types import Prices, Tier
from orchestration.llm.providers.recorded.loading import (
    FAULTS_SHOWN,
    BrokenRecording,
    RecordingLimits,
    load_recording,
    load_recordings,
)
from orchestration.llm.providers.recorded.recording import ItemKey, price_tier, recovered_prices
from tests.support.recordings import answer, line, lines, packed, recorded, written

GOOD = lines("7 7 3", "7 1 2")
ZIPPED = gzip.compress(packed(GOOD), mtime=0)  # without the time, which would be in the tests' names


def refused(data: bytes, limits: RecordingLimits | None = None) -> BrokenRecording:
    with pytest.raises(BrokenRecording) as caught:
        load_recording(io.BytesIO(data), "small.jsonl", limits or RecordingLimits())
    return caught.value


@pytest.mark.parametrize("prepared", [bytes, gzip.compress, b"\xef\xbb\xbf".__add__, b"\n \n".__add__])
def test_plain_packed_marked_and_spaced_files_are_read(prepared: Callable[[bytes], bytes]) -> None:
    loaded = load_recording(io.BytesIO(prepared(packed(GOOD))), "small.jsonl")
    assert loaded.recording.models == ("ada", "bob", "cyd")
    assert [str(item.key) for item in loaded.recording.items] == ["small/q0", "small/q1"]


def test_labels_are_kept_apart_from_what_models_are_made_of() -> None:
    loaded = recorded([line(0, {"ada": "7"}, reference="secret-reference")])
    assert "secret-reference" not in repr(loaded.recording.items)
    for field in ("correct", "extracted", "score", "reference"):
        assert field not in repr(loaded.recording.items)
    assert loaded.labels[ItemKey("small", "q0")].reference == "secret-reference"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": None}, "prompt: Input should be a valid string"),
        ({"prompt": " \n"}, "prompt: is empty"),
        ({"item_id": 7}, "item_id: Input should be a valid string"),
        ({"answers": []}, "answers: List should have at least 1 item"),
        ({"answers": [answer("ada", "1"), answer("ada", "2")]}, "answers: ada answers twice"),
        ({"answers": [{"model": "ada"}]}, "answers.0.text: Field required"),
        ({"answers": [answer("ada", "1", cost_usd=-1)]}, "answers.0.cost_usd: Input should be greater than"),
        (
            {"answers": [answer("ada", "1", correct="yes")]},
            "answers.0.correct: Input should be a valid boolean",
        ),
        ({"answers": [answer("a", "1", tokens=n) for n in ("1", "2", "3", "4")]}, "; and 1 more."),
    ],
)
def test_a_line_that_does_not_fit_is_reported_with_its_number(change: dict[str, Any], words: str) -> None:
    error = refused(packed([GOOD[0], {**GOOD[1], **change}]))
    assert str(error).count("Line") == str(error).count("Line 2: ") == 1
    assert words in str(error)
    assert error.field == "file"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"dataset": ', "Line 1: Invalid JSON"),
        (b"[1]", "Line 1: Input should be an object"),
        (packed(GOOD) + b'{"prompt": "caf\xe9"}', "Line 3: byte 16 is not UTF-8"),
        (b"", "The file contains no items."),
        (b"\n\n", "The file contains no items."),
        (packed([GOOD[0], GOOD[1], GOOD[0]]), "Line 3: item small/q0 stands on line 1 already."),
        (b"PK\x03\x04....", "The file is a ZIP archive."),
        (json.dumps(GOOD[0]).encode("utf-16"), "The file is UTF-16."),
        (ZIPPED[:-12], "the gzip data is damaged or cut off here"),
        (ZIPPED[:10] + b"garbage" * 9, "the gzip data is damaged or cut off here"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, words: str) -> None:
    assert words in str(refused(data))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (RecordingLimits(line_bytes=100), "Line 1: is longer than 100 bytes"),
        (RecordingLimits(lines=1), "Line 2: the file goes on beyond 1 lines"),
        (RecordingLimits(bytes=700), "or 700 bytes unpacked"),
    ],
)
def test_a_file_beyond_its_limits_is_refused_packed_or_not(limits: RecordingLimits, words: str) -> None:
    assert words in str(refused(packed(GOOD), limits))
    assert words in str(refused(gzip.compress(packed(GOOD)), limits))


def test_only_the_first_faults_are_listed_and_the_rest_is_counted() -> None:
    error = refused(b"{}\n" * (FAULTS_SHOWN + 5))
    assert str(error).count("Line ") == FAULTS_SHOWN
    assert str(error).endswith("And 5 more.")


def test_several_files_are_one_recording(tmp_path: Path) -> None:
    one = written(tmp_path / "one.jsonl", GOOD)
    two = written(tmp_path / "two.jsonl.gz", lines("1 2 3", start=2))
    assert len(load_recordings([one, two]).recording.items) == 3
    with pytest.raises(BrokenRecording, match="small/q0 is in another of the files"):
        load_recordings([one, one])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BrokenRecording, match=r"missing\.jsonl cannot be used\. It cannot be read: No such file"
    ):
        load_recordings([tmp_path / "missing.jsonl"])


def test_list_prices_are_recovered_from_costs() -> None:
    rows = [(given, made, Decimal(given * 3 + made * 15) / 1_000_000) for given, made in [(10, 7), (90, 40)]]
    found = recovered_prices(rows)
    assert found is not None
    assert found == Prices(input_per_million=Decimal(3), output_per_million=Decimal(15))


@pytest.mark.parametrize(
    ("cost", "price"), [("0.000000749", "0.749"), ("0.00000074992", "0.75"), ("0.000033333333", "33.333333")]
)
def test_a_price_is_taken_for_the_plain_one_beside_it(cost: str, price: str) -> None:
    found = recovered_prices([(1, 0, Decimal(cost))])
    assert found is not None
    assert found.input_per_million == Decimal(price)


@pytest.mark.parametrize(
    "rows",
    [
        [(10, 10, Decimal("0.0001"))],
        [(10, 10, Decimal("0.0001")), (20, 20, Decimal("0.0002"))],
        [(10, 0, Decimal("0.0001")), (90, 10, Decimal("0.0008"))],
    ],
)
def test_one_price_stands_for_both_where_they_cannot_be_distinguished(
    rows: list[tuple[int, int, Decimal]],
) -> None:
    found = recovered_prices(rows)
    assert found is not None
    assert found.input_per_million == found.output_per_million > 0


def test_a_model_without_costs_has_no_price_and_the_middle_tier() -> None:
    spec = recorded([line(0, {}, answers=[answer("ada", "1", cost_usd=None)])]).recording.spec("ada")
    assert spec.prices is None
    assert recovered_prices([]) is None
    assert [price_tier(dollars) for dollars in (None, 0.1, 1, 9)] == [
        Tier.MEDIUM,
        Tier.SMALL,
        Tier.MEDIUM,
        Tier.LARGE,
    ]
