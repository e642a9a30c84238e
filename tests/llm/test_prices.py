"""Suggested list prices."""

from decimal import Decimal

import pytest

from orchestration.llm.providers.prices import LISTINGS, model_family, suggest_listing

OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("name", "base_url", "given", "made"),
    [
        ("gpt-4o", OPENAI, "2.50", "10"),
        ("gpt-4o-2024-08-06", OPENAI, "2.50", "10"),
        ("gpt-4o-2024-05-13", OPENAI, "5", "15"),
        ("GPT-4o-Mini", OPENAI, "0.15", "0.60"),
        ("o3", OPENAI, "2", "8"),
        (
            "models/gemini-2.5-flash",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "0.30",
            "2.50",
        ),
        ("llama-3.1-8b-instant", "https://api.groq.com/openai/v1", "0.05", "0.08"),
    ],
)
def test_a_well_known_model_has_its_list_price(name: str, base_url: str, given: str, made: str) -> None:
    listing = suggest_listing(name, base_url)
    assert listing is not None
    assert listing.prices.input_per_million == Decimal(given)
    assert listing.prices.output_per_million == Decimal(made)


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("gpt-4o", "https://openrouter.ai/api/v1"),
        ("gpt-4o", "http://localhost:8000/v1"),
        ("gpt-4o", ""),
        ("gpt-4o-realtime-preview", OPENAI),
        ("gpt-4o-mini-2024-07-18-ft", OPENAI),
        ("mistral-large-latest", "https://api.mistral.ai/v1"),
        ("", OPENAI),
    ],
)
def test_what_is_not_known_for_sure_gets_no_price(name: str, base_url: str) -> None:
    assert suggest_listing(name, base_url) is None


def test_every_listing_makes_sense() -> None:
    for listing in (listing for known in LISTINGS.values() for listing in known.values()):
        assert 0 < listing.prices.input_per_million <= listing.prices.output_per_million
        assert listing.max_output_tokens <= listing.context_window


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
