"""What pages read of providers and models: prices, results of recent calls, what can be asked or added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from django.db.models import BooleanField, Case, Prefetch, QuerySet, Value, When

from orchestra_site.accounts.models import Membership
from orchestra_site.web.templatetags.text import price
from orchestration.llm.engine.price_table import DatedPrices, Listing, PriceMatch, price_table
from orchestration.llm.engine.types import Capability
from orchestration.llm.models import LanguageModel, ModelPrice, Price, Provider, ProviderKind
from orchestration.llm.providers.adapter import RemoteModel

SHOWN_AT_MOST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRecord:
    """How a model's recent calls went: fraction answered, median seconds of an answer, US dollars in all.

    Cancelled calls count as neither success nor failure; `success` and `median_s` are None without evidence.
    """

    calls: int
    success: float | None
    median_s: float | None
    cost_usd: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCard:
    """A model with today's price and its record; `next_price` starts on a later day."""

    model: LanguageModel
    price: ModelPrice | None
    next_price: ModelPrice | None
    record: CallRecord | None

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the model can do, in words."""
        return tuple(Capability(name).words for name in self.model.capabilities)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderCard:
    """A provider with its models. `has_secret` is all that is ever read of its key."""

    provider: Provider
    has_secret: bool
    models: tuple[ModelCard, ...]

    @property
    def is_simulated(self) -> bool:
        """True when its models are simulated."""
        return self.provider.kind == ProviderKind.SIMULATED

    @property
    def is_recorded(self) -> bool:
        """True when its models replay recorded answers."""
        return self.provider.kind == ProviderKind.RECORDED


def team_providers(membership: Membership) -> QuerySet[Provider]:
    """Return the team's providers without their secrets, each with `has_secret`."""
    stored = Case(
        When(secret=b"", then=Value(value=False)), default=Value(value=True), output_field=BooleanField()
    )
    found: QuerySet[Provider] = Provider.objects.visible_to(membership)
    return found.defer("secret").annotate(has_secret=stored)


def team_models(membership: Membership) -> QuerySet[LanguageModel]:
    """Return the team's models with their providers, without secrets, and with their prices."""
    found: QuerySet[LanguageModel] = LanguageModel.objects.visible_to(membership)
    return found.select_related("provider").defer("provider__secret").prefetch_related(_prices_with_authors())


def provider_cards(membership: Membership, *, now: datetime, today: date) -> tuple[ProviderCard, ...]:
    """Return every provider of the team with its models, by name."""
    records = {name: calls for read in _call_records for name, calls in read(membership, now).items()}
    models = LanguageModel.objects.prefetch_related(_prices_with_authors()).order_by("name")
    found = team_providers(membership).prefetch_related(Prefetch("language_models", queryset=models))
    return tuple(
        ProviderCard(
            provider=provider,
            has_secret=bool(getattr(provider, "has_secret", False)),
            models=tuple(model_card(model, records, today=today) for model in provider.language_models.all()),
        )
        for provider in found
    )


def model_card(model: LanguageModel, records: Mapping[str, CallRecord], *, today: date) -> ModelCard:
    """Return `model` with the price that is valid `today` and the next one."""
    coming = (price for price in model.price_history() if price.valid_from > today)
    return ModelCard(
        model=model,
        price=model.price_on(today),
        next_price=next(coming, None),
        record=records.get(model.name),
    )


def _prices_with_authors() -> Prefetch[str, QuerySet[Price], str]:
    return Prefetch("prices", queryset=Price.objects.select_related("set_by"))


CallRecords = Callable[[Membership, datetime], Mapping[str, CallRecord]]
_call_records: list[CallRecords] = []


def register_call_records(read: CallRecords) -> None:
    """Let the Models page show the call records that `read` returns, by model name, at a moment."""
    _call_records.append(read)


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedModel:
    """A model that a provider lists, and whether it is ticked or in use already."""

    remote: RemoteModel
    picked: bool
    in_use: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedModels:
    """The models that match a search, ticked ones first; `hidden` more match, of `total` in all."""

    shown: tuple[OfferedModel, ...] = ()
    hidden: int = 0
    total: int = 0


def offered_models(
    provider: Provider, listed: Sequence[RemoteModel], *, search: str, picked: Iterable[str]
) -> OfferedModels:
    """Return the models to choose from. A ticked model is shown whatever the search."""
    ticked = set(picked)
    used = set(provider.language_models.values_list("remote_name", flat=True))
    words = search.lower().split()
    found = [
        OfferedModel(remote=remote, picked=remote.id in ticked, in_use=remote.id in used)
        for remote in listed
        if remote.id in ticked or all(word in remote.id.lower() for word in words)
    ]
    found.sort(key=lambda model: not model.picked)
    return OfferedModels(
        shown=tuple(found[:SHOWN_AT_MOST]), hidden=max(0, len(found) - SHOWN_AT_MOST), total=len(listed)
    )


def usable_models(membership: Membership) -> list[LanguageModel]:
    """Return the team's enabled models of enabled providers, by name, with provider and prices."""
    usable = LanguageModel.objects.visible_to(membership).filter(enabled=True, provider__enabled=True)
    return list(usable.select_related("provider").prefetch_related("prices").order_by("name"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPrice:
    """A listing of the shipped table on a day: what it costs then, before and after, the earliest first."""

    listing: Listing
    now: DatedPrices | None
    earlier: tuple[DatedPrices, ...]
    later: tuple[DatedPrices, ...]
    models: tuple[PricedModel, ...] = ()

    @property
    def words(self) -> str:
        """Whose model it is, and today's price: OpenAI gpt-4o at $2.50 in, $10.00 out."""
        name = f"{self.listing.provider} {self.listing.name}"
        if self.now is None:
            return name
        prices = self.now.prices
        return f"{name} at {price(prices.input_per_million)} in, {price(prices.output_per_million)} out"


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedProvider:
    """The listings of a provider; `has_own` when models of the team are among them."""

    name: str
    rows: tuple[ListedPrice, ...]
    has_own: bool


class PriceStanding(StrEnum):
    """How a model's price relates to the shipped table."""

    FOLLOWS = "follows"
    SAME = "same"
    DIFFERS = "differs"
    UNPRICED = "unpriced"
    UNLISTED = "unlisted"


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedModel:
    """A model with today's price beside the shipped table.

    `listed` is the listing that it follows, or could follow because it is asked at that provider's address;
    `elsewhere` are those of the same name at other addresses.
    """

    model: LanguageModel
    price: ModelPrice | None
    listed: ListedPrice | None
    elsewhere: tuple[ListedPrice, ...]

    @property
    def standing(self) -> PriceStanding:
        """How the price relates to the table."""
        if self.price and self.price.follows:
            return PriceStanding.FOLLOWS
        if self.price is None:
            return PriceStanding.UNPRICED
        if self.listed is None or self.listed.now is None:
            return PriceStanding.UNLISTED
        is_same = self.price.prices == self.listed.now.prices
        return PriceStanding.SAME if is_same else PriceStanding.DIFFERS


def listed_price(listing: Listing, today: date) -> ListedPrice:
    """Return a listing with what it costs on `today`."""
    now = listing.price_on(today)
    return ListedPrice(
        listing=listing,
        now=now,
        earlier=tuple(price for price in listing.prices if now and price.valid_from < now.valid_from),
        later=tuple(price for price in listing.prices if price.valid_from > today),
    )


def priced_model(model: LanguageModel, today: date) -> PricedModel:
    """Return a model's price of `today` beside what the shipped table has for it."""
    current = model.price_on(today)
    is_remote = ProviderKind(model.provider.kind).is_remote
    match = price_table().match(model.remote_name, model.provider.base_url) if is_remote else PriceMatch()
    listing = (current.row.listed if current else None) or match.listing
    return PricedModel(
        model=model,
        price=current,
        listed=listed_price(listing, today) if listing else None,
        elsewhere=tuple(listed_price(each, today) for each in match.elsewhere),
    )


def priced_models(membership: Membership, today: date) -> tuple[PricedModel, ...]:
    """Return the team's models that have an address, by name, beside the shipped table."""
    remote = [kind for kind in ProviderKind if kind.is_remote]
    found = team_models(membership).filter(provider__kind__in=remote).order_by("name")
    return tuple(priced_model(model, today) for model in found)


def listed_providers(models: Iterable[PricedModel], search: str, today: date) -> tuple[ListedProvider, ...]:
    """Return the listings whose provider or names have all words of `search`, with their models."""
    words = search.lower().split()
    by_listing: dict[str, list[PricedModel]] = {}
    for model in models:
        if model.listed:
            by_listing.setdefault(model.listed.listing.key, []).append(model)
    rows = (
        replace(listed_price(listing, today), models=tuple(by_listing.get(listing.key, ())))
        for listing in price_table().listings.values()
        if all(word in f"{listing.provider} {' '.join(listing.names)}".lower() for word in words)
    )
    return tuple(
        ListedProvider(name=name, rows=found, has_own=any(row.models for row in found))
        for name, found in (
            (name, tuple(each)) for name, each in groupby(rows, lambda row: row.listing.provider)
        )
    )
