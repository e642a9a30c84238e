"""The dated table of list prices that ships with Orchestra, and which of its rows a model may follow.

Prices are US dollars per million tokens. A row is sure only where a model is asked at the address of the
provider that sells it, or through a gateway that passes list prices on: the same model costs something
else elsewhere, and nothing on a machine of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.types import Prices, Tier

FILE = Path(__file__).with_name("price_table.json")
GATEWAYS = frozenset({"openrouter.ai"})
"""Hosts that charge what the provider in a model's name charges: `openai/gpt-4o`."""

DATED = Pattern(r"-([0-9]{4})-?([0-9]{2})-?([0-9]{2})$")
VERSION = Pattern(r"(-latest|-00[0-9])$")
AT_BEDROCK = Pattern(r"^(?:(?:us|eu|apac|jp|global)\.)?(?:amazon\.|anthropic\.)|-v[0-9]+(?::[0-9]+)?$")
FIRST_WORD = Pattern(r"[a-z]+")
LONGEST_NAME = 200

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[a-z0-9][a-z0-9._:/-]*$")]
Dollars = Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=6)]
Tokens = Annotated[int, Field(ge=256, le=100_000_000)]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedPrices:
    """Prices and the day since which they are valid."""

    valid_from: date
    prices: Prices


class PriceInFile(BaseModel):
    """One price of a model as the file has it; `cached` is that of input read from a cache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date = Field(alias="from")
    given: Dollars = Field(alias="in")
    made: Dollars = Field(alias="out")
    cached: Dollars | None = None

    @model_validator(mode="after")
    def check_cached(self) -> Self:
        """Refuse a cache that costs more than reading the tokens anew."""
        if self.cached is not None and self.cached > self.given:
            raise ValueError("cached input costs more than input")
        return self

    @property
    def dated(self) -> DatedPrices:
        """The price in the engine's words."""
        prices = Prices(
            input_per_million=self.given,
            output_per_million=self.made,
            cached_input_per_million=self.cached,
        )
        return DatedPrices(valid_from=self.valid_from, prices=prices)


class ModelInFile(BaseModel):
    """One model as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    also: tuple[Name, ...] = ()
    tier: Tier
    window: Tokens | None = None
    longest: Tokens | None = None
    note: str = ""
    prices: Annotated[tuple[PriceInFile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Refuse prices that do not follow each other, and an answer longer than the window."""
        days = [price.valid_from for price in self.prices]
        if days != sorted(set(days)):
            raise ValueError("prices are not in the order of their days")
        if self.longest and self.window and self.longest > self.window:
            raise ValueError("the longest answer is longer than the window")
        return self


class ProviderInFile(BaseModel):
    """One provider as the file has it: where it serves its models, and what gateways call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z]+$")]
    name: str
    hosts: tuple[str, ...]
    prefixes: tuple[str, ...]
    page: Annotated[str, Field(pattern=r"^https://")]
    models: tuple[ModelInFile, ...]

    @model_validator(mode="after")
    def check_names(self) -> Self:
        """Refuse a name that stands for two models."""
        names = [name for model in self.models for name in (model.name, *model.also)]
        if len(names) != len(set(names)):
            raise ValueError("a name stands for two models")
        return self


class TableInFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    provenance: str
    providers: tuple[ProviderInFile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """One model of one provider; `prices` in the order of their days. None where a size is not known."""

    key: str
    provider: str
    name: str
    names: tuple[str, ...]
    tier: Tier
    context_window: int | None
    max_output_tokens: int | None
    note: str
    prices: tuple[DatedPrices, ...]

    def price_on(self, day: date) -> DatedPrices | None:
        """Return the price that is valid on `day`, None before the first one."""
        return next((price for price in reversed(self.prices) if price.valid_from <= day), None)

    def followed(self, own: DatedPrices, until: date | None) -> tuple[DatedPrices, ...]:
        """Return the prices of a model that follows the listing from the day of `own` to before `until`.

        `own` are the prices of that day; they are valid where the listing starts only later.
        """
        first = self.price_on(own.valid_from)
        start = DatedPrices(valid_from=own.valid_from, prices=first.prices if first else own.prices)
        later = (price for price in self.prices if price.valid_from > own.valid_from)
        return (start, *(price for price in later if until is None or price.valid_from < until))


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceMatch:
    """What the table says of a model at an address.

    `listing` is its own, None where nothing is sure: then no price is suggested. `elsewhere` are those of
    its name at other addresses.
    """

    listing: Listing | None = None
    elsewhere: tuple[Listing, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """The table as it was on the day `as_of`."""

    as_of: date
    provenance: str
    providers: tuple[ProviderInFile, ...]

    @cached_property
    def listings(self) -> Mapping[str, Listing]:
        """Every listing by its key, `provider/name`."""
        return {listing.key: listing for provider in self.providers for listing in _listings(provider)}

    @cached_property
    def _by_host(self) -> Mapping[str, Mapping[str, Listing]]:
        return {host: self._names(provider) for provider in self.providers for host in provider.hosts}

    @cached_property
    def _by_prefix(self) -> Mapping[str, Mapping[str, Listing]]:
        return {prefix: self._names(provider) for provider in self.providers for prefix in provider.prefixes}

    @cached_property
    def _by_likeness(self) -> Mapping[str, Sequence[Listing]]:
        alike: dict[str, list[Listing]] = {}
        for listing in self.listings.values():
            for name in {_likeness(name) for name in listing.names}:
                alike.setdefault(name, []).append(listing)
        return alike

    def match(self, remote_name: str, base_url: str) -> PriceMatch:
        """Return what is known of the model called `remote_name` at `base_url`."""
        name = remote_name.strip()[: LONGEST_NAME + 1].lower().removeprefix("models/")
        host = _host(base_url)
        if host in GATEWAYS:
            vendor, slash, rest = name.partition("/")
            found = self._find(self._by_prefix.get(vendor + slash, {}), rest, dots=True)
        else:
            found = self._find(self._by_host.get(host, {}), name)
        if found:
            return PriceMatch(listing=found)
        alike = _likeness(name)
        spellings = (alike, self._undated(alike))
        return PriceMatch(elsewhere=tuple(next(filter(None, map(self._by_likeness.get, spellings)), ())))

    def _find(self, known: Mapping[str, Listing], name: str, *, dots: bool = False) -> Listing | None:
        """Return the listing of a name, its date or version aside; gateways write versions with `dots`."""
        spellings = [name, self._undated(name)]
        if dots:
            spellings += [each.replace(".", "-") for each in spellings]
        return next((known[each] for each in spellings if each in known), None)

    def _undated(self, name: str) -> str:
        """Return a name without `-latest`, its version or its date, unless that is later than the table."""
        dated = DATED.search(name)
        if dated is None:
            return VERSION.sub("", name)
        is_known = "".join(dated.groups()) <= self.as_of.strftime("%Y%m%d")
        return name[: dated.start()] if is_known else name

    def _names(self, provider: ProviderInFile) -> Mapping[str, Listing]:
        own = (self.listings[f"{provider.id}/{model.name}"] for model in provider.models)
        return {name: listing for listing in own for name in listing.names}


def _listings(provider: ProviderInFile) -> Iterator[Listing]:
    for model in provider.models:
        yield Listing(
            key=f"{provider.id}/{model.name}",
            provider=provider.name,
            name=model.name,
            names=(model.name, *model.also),
            tier=model.tier,
            context_window=model.window,
            max_output_tokens=model.longest,
            note=model.note,
            prices=tuple(price.dated for price in model.prices),
        )


def read_price_table(text: str | bytes) -> PriceTable:
    """Return the table in a file. Raises pydantic's `ValidationError`."""
    stored = TableInFile.model_validate_json(text)
    return PriceTable(as_of=stored.as_of, provenance=stored.provenance, providers=stored.providers)


@cache
def price_table() -> PriceTable:
    """Return the table that ships with this version."""
    return read_price_table(FILE.read_bytes())


def model_family(remote_name: str) -> str:
    """Return a model's lineage, the first word of its name: gpt, claude, llama; o1 and o3 are gpt."""
    name = remote_name.lower().rpartition("/")[2]
    found = FIRST_WORD.match(name)
    first = found.group() if found else ""
    return "gpt" if first in {"o", "chatgpt"} else first


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def _likeness(name: str) -> str:
    """Return what names of one model at different providers have in common."""
    return AT_BEDROCK.sub("", name.rpartition("/")[2]).replace(".", "-")
