"""The shipped table of list prices: what is in it, and which models it is sure about."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestration.llm.engine.price_table import (
    FILE,
    DatedPrices,
    model_family,
    price_table,
    read_price_table,
)
from orchestration.llm.engine.types import Prices

OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/openai"
OPENROUTER = "https://openrouter.ai/api/v1"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1"
AZURE = "https://team.openai.azure.com/openai/v1"
AUTUMN_2026 = date(2026, 10, 1)
TABLE = price_table()


@pytest.mark.parametrize(
    ("name", "base_url", "key", "dollars"),
    [
        ("gpt-4o", OPENAI, "openai/gpt-4o", "2.5 10 1.25"),
        ("gpt-4o-2024-08-06", OPENAI, "openai/gpt-4o-2024-08-06", "2.5 10 1.25"),
        ("gpt-4o-2024-11-20", OPENAI, "openai/gpt-4o", "2.5 10 1.25"),
        ("gpt-4o-2024-05-13", OPENAI, "openai/gpt-4o-2024-05-13", "5 15 None"),
        (" GPT-4o-Mini ", OPENAI, "openai/gpt-4o-mini", "0.15 0.6 0.075"),
        ("o3", OPENAI, "openai/o3", "2 8 0.5"),
        ("gpt-5.6-luna", OPENAI, "openai/gpt-5.6-luna", "0.2 1.2 0.02"),
        ("models/gemini-2.5-flash", GEMINI, "google/gemini-2.5-flash", "0.3 2.5 0.03"),
        ("gemini-2.0-flash-001", GEMINI, "google/gemini-2.0-flash", "0.1 0.4 0.025"),
        (
            "claude-3-5-haiku-20241022",
            "https://api.anthropic.com/v1",
            "anthropic/claude-3-5-haiku",
            "0.8 4 0.08",
        ),
        ("claude-sonnet-5", "https://api.anthropic.com/v1", "anthropic/claude-sonnet-5", "3 15 0.3"),
        (
            "llama-3.1-8b-instant",
            "https://api.groq.com/openai/v1",
            "groq/llama-3.1-8b-instant",
            "0.05 0.08 None",
        ),
        ("us.amazon.nova-pro-v1:0", BEDROCK, "amazon/amazon.nova-pro-v1:0", "0.8 3.2 0.2"),
        ("openai/gpt-4o", OPENROUTER, "openai/gpt-4o", "2.5 10 1.25"),
        ("anthropic/claude-3.5-sonnet", OPENROUTER, "anthropic/claude-3-5-sonnet", "3 15 0.3"),
    ],
)
def test_a_model_at_its_providers_address_has_its_list_price(
    name: str, base_url: str, key: str, dollars: str
) -> None:
    listing = TABLE.match(name, base_url).listing
    assert listing is not None
    price = listing.price_on(AUTUMN_2026)
    assert price is not None
    found = price.prices
    assert (listing.key, [found.input_per_million, found.output_per_million]) == (
        key,
        list(map(Decimal, dollars.split()[:2])),
    )
    assert str(found.cached_input_per_million) == dollars.split()[2]


@pytest.mark.parametrize(
    ("name", "base_url", "elsewhere"),
    [
        ("gpt-4o", AZURE, ["openai/gpt-4o"]),
        ("gpt-35-turbo", AZURE, ["openai/gpt-3.5-turbo"]),
        ("openai/gpt-4o", "http://localhost:4000/v1", ["openai/gpt-4o"]),
        ("openai/gpt-oss-20b", "http://localhost:8000/v1", ["groq/openai/gpt-oss-20b"]),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", BEDROCK, ["anthropic/claude-3-5-sonnet"]),
        (
            "eu.amazon.nova-pro-v1:0",
            "https://bedrock-runtime.eu-west-1.amazonaws.com/v1",
            ["amazon/amazon.nova-pro-v1:0"],
        ),
        ("openai/gpt-oss-120b", OPENROUTER, ["groq/openai/gpt-oss-120b"]),
        ("gpt-4o", "", ["openai/gpt-4o"]),
        ("gpt-4o", "http://[", ["openai/gpt-4o"]),
        ("gpt-4o-2099-01-01", OPENAI, []),
        ("gpt-4o-realtime-preview", OPENAI, []),
        ("gpt-4o-mini-2024-07-18-ft", OPENAI, []),
        ("openai/gpt-4o:free", OPENROUTER, []),
        ("mistral-large-latest", "https://api.mistral.ai/v1", []),
        ("llama3.2:3b", "http://localhost:11434/v1", []),
        ("", OPENAI, []),
        ("\ud800\0" * 200, OPENAI, []),
    ],
)
def test_what_is_not_sure_gets_no_price_but_says_where_the_name_is_known(
    name: str, base_url: str, elsewhere: list[str]
) -> None:
    match = TABLE.match(name, base_url)
    assert match.listing is None
    assert [listing.key for listing in match.elsewhere] == elsewhere


def test_a_price_changes_on_its_day() -> None:
    sonnet = TABLE.listings["anthropic/claude-sonnet-5"]
    before, after = sonnet.price_on(date(2026, 8, 31)), sonnet.price_on(date(2026, 9, 1))
    assert before is not None
    assert after is not None
    assert [price.prices.input_per_million for price in (before, after)] == [2, 3]
    assert sonnet.price_on(date(2026, 1, 1)) is None


def test_who_follows_a_listing_has_each_of_its_prices_from_its_day() -> None:
    listing = TABLE.listings["openai/gpt-4o"]
    mine = Prices(input_per_million=Decimal(9), output_per_million=Decimal(9))

    def days(since: date, until: date | None = None) -> list[tuple[str, int]]:
        found = listing.followed(DatedPrices(valid_from=since, prices=mine), until)
        return [(price.valid_from.isoformat(), int(price.prices.output_per_million)) for price in found]

    assert days(date(2024, 6, 1)) == [("2024-06-01", 15), ("2024-10-02", 10)]
    assert days(date(2024, 6, 1), date(2024, 10, 2)) == [("2024-06-01", 15)]
    assert days(date(2025, 1, 1)) == [("2025-01-01", 10)]
    assert days(date(2024, 1, 1)) == [("2024-01-01", 9), ("2024-05-13", 15), ("2024-10-02", 10)]


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_a_followed_listing_costs_on_every_day_what_the_table_says(since: date, day: date) -> None:
    listing = TABLE.listings["deepseek/deepseek-chat"]
    mine = Prices(input_per_million=Decimal(9), output_per_million=Decimal(9))
    found = listing.followed(DatedPrices(valid_from=since, prices=mine), None)
    valid = [price for price in found if price.valid_from <= day]
    told = listing.price_on(day)
    if valid:
        assert valid[-1].prices == (told.prices if told else mine)


def test_the_shipped_prices_make_sense() -> None:
    assert len(TABLE.listings) > 100
    for listing in TABLE.listings.values():
        for price in listing.prices:
            assert 0 < price.prices.input_per_million <= price.prices.output_per_million <= 150
            assert date(2023, 1, 1) < price.valid_from <= date(2026, 12, 31)


BROKEN = [
    (("prices", [{"from": "2026-01-01", "in": "-1", "out": "1"}]), "greater than or equal to 0"),
    (("prices", [{"from": "2026-01-01", "in": "NaN", "out": "1"}]), "finite"),
    (("prices", [{"from": "2026-01-01", "in": "1", "out": "1", "cached": "2"}]), "cached input costs more"),
    (("prices", [{"from": "soon", "in": "1", "out": "1"}]), "valid date"),
    (("prices", []), "at least 1 item"),
    (
        ("prices", [{"from": f"2026-0{month}-01", "in": "1", "out": "1"} for month in (2, 1)]),
        "order of their days",
    ),
    (("longest", 2_000_000), "longer than the window"),
    (("tier", "huge"), "'small', 'medium' or 'large'"),
    (("also", ["gpt-4o"]), "stands for two models"),
    (("cost", 1), "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_file_with_a_fault_is_refused(change: tuple[str, object], words: str) -> None:
    stored = json.loads(FILE.read_text())
    stored["providers"][0]["models"][0] |= dict([change])
    with pytest.raises(ValidationError, match=words):
        read_price_table(json.dumps(stored))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-4o", "gpt"),
        ("o3-mini", "gpt"),
        ("chatgpt-4o-latest", "gpt"),
        ("meta-llama/Llama-3.3-70B", "llama"),
        ("llama3.2:3b", "llama"),
        ("models/gemini-2.5-flash", "gemini"),
        ("123", ""),
    ],
)
def test_a_family_is_the_first_word_of_the_name(name: str, family: str) -> None:
    assert model_family(name) == family


def test_the_table_is_read_from_its_file_alike_each_time() -> None:
    price_table.cache_clear()
    for anew in (read_price_table(FILE.read_bytes()), price_table()):
        assert anew.listings == TABLE.listings
        for address in (OPENAI, OPENROUTER, "http://localhost:11434/v1"):
            names = ("gpt-4o", "openai/gpt-4o", "gpt-4o-mini-2024-07-18")
            assert [anew.match(each, address) for each in names] == [
                TABLE.match(each, address) for each in names
            ]
