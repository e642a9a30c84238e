"""List prices of well-known models, suggested when a model is added; the price that the team enters is used.

From the providers' public price pages as they stood at the end of 2025: US dollars per million tokens,
standard tier, prompts of ordinary length. `valid_from` is the day since which the price is valid. A
name is matched without its date or `-latest`, and only at the provider's own address: elsewhere the same
model has another price.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.types import Prices, Tier

VERSION = Pattern(r"(-\d{4}-\d{2}-\d{2}|-latest)$")
FIRST_WORD = Pattern(r"[a-z]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What a provider's page says about one of its models; window and longest answer in tokens."""

    prices: Prices
    context_window: int
    max_output_tokens: int
    tier: Tier
    valid_from: date


def suggest_listing(remote_name: str, base_url: str) -> Listing | None:
    """Return what is known of a model at this address, None when nothing is."""
    known = LISTINGS.get(urlsplit(base_url).hostname or "", {})
    exact = remote_name.strip().lower().removeprefix("models/")
    return known.get(exact) or known.get(VERSION.sub("", exact))


def model_family(remote_name: str) -> str:
    """Return a model's lineage, the first word of its name: gpt, claude, llama; o1 and o3 are gpt."""
    name = remote_name.lower().rpartition("/")[2]
    found = FIRST_WORD.match(name)
    first = found.group() if found else ""
    return "gpt" if first in {"o", "chatgpt"} else first


def _listing(prices: str, sizes: str, tier: Tier, since: str) -> Listing:
    """Build a row from `input/output` dollars and `window/answer` tokens."""
    (given, made), (window, longest) = prices.split("/"), sizes.split("/")
    return Listing(
        prices=Prices(input_per_million=Decimal(given), output_per_million=Decimal(made)),
        context_window=int(window),
        max_output_tokens=int(longest),
        tier=tier,
        valid_from=date.fromisoformat(since),
    )


LISTINGS: dict[str, dict[str, Listing]] = {
    "api.openai.com": {
        "gpt-5": _listing("1.25/10", "400000/128000", Tier.LARGE, "2025-08-07"),
        "gpt-5-mini": _listing("0.25/2", "400000/128000", Tier.MEDIUM, "2025-08-07"),
        "gpt-5-nano": _listing("0.05/0.40", "400000/128000", Tier.SMALL, "2025-08-07"),
        "gpt-4.1": _listing("2/8", "1047576/32768", Tier.LARGE, "2025-04-14"),
        "gpt-4.1-mini": _listing("0.40/1.60", "1047576/32768", Tier.MEDIUM, "2025-04-14"),
        "gpt-4.1-nano": _listing("0.10/0.40", "1047576/32768", Tier.SMALL, "2025-04-14"),
        "gpt-4o": _listing("2.50/10", "128000/16384", Tier.LARGE, "2024-10-02"),
        "gpt-4o-2024-05-13": _listing("5/15", "128000/4096", Tier.LARGE, "2024-05-13"),
        "gpt-4o-mini": _listing("0.15/0.60", "128000/16384", Tier.SMALL, "2024-07-18"),
        "o3": _listing("2/8", "200000/100000", Tier.LARGE, "2025-06-10"),
        "o4-mini": _listing("1.10/4.40", "200000/100000", Tier.MEDIUM, "2025-04-16"),
        "o3-mini": _listing("1.10/4.40", "200000/100000", Tier.MEDIUM, "2025-01-31"),
        "o1": _listing("15/60", "200000/100000", Tier.LARGE, "2024-12-17"),
        "gpt-4-turbo": _listing("10/30", "128000/4096", Tier.LARGE, "2024-04-09"),
        "gpt-3.5-turbo": _listing("0.50/1.50", "16385/4096", Tier.SMALL, "2024-01-25"),
    },
    "generativelanguage.googleapis.com": {
        "gemini-2.5-flash": _listing("0.30/2.50", "1048576/65536", Tier.MEDIUM, "2025-06-17"),
        "gemini-2.5-flash-lite": _listing("0.10/0.40", "1048576/65536", Tier.SMALL, "2025-07-22"),
        "gemini-2.0-flash": _listing("0.10/0.40", "1048576/8192", Tier.SMALL, "2025-02-05"),
    },
    "api.deepseek.com": {
        "deepseek-chat": _listing("0.28/0.42", "128000/8192", Tier.MEDIUM, "2025-09-29"),
        "deepseek-reasoner": _listing("0.28/0.42", "128000/65536", Tier.LARGE, "2025-09-29"),
    },
    "api.mistral.ai": {
        "mistral-large-2411": _listing("2/6", "131072/4096", Tier.LARGE, "2024-11-18"),
        "open-mistral-nemo": _listing("0.15/0.15", "131072/4096", Tier.SMALL, "2024-09-17"),
    },
    "api.groq.com": {
        "llama-3.3-70b-versatile": _listing("0.59/0.79", "131072/32768", Tier.MEDIUM, "2024-12-06"),
        "llama-3.1-8b-instant": _listing("0.05/0.08", "131072/131072", Tier.SMALL, "2024-07-23"),
    },
}
