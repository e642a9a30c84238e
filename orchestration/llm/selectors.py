"""What pages read of providers and models: prices, results of recent calls, what can be asked or added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import BooleanField, Case, Prefetch, QuerySet, Value, When

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Capability
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind
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
    price: Price | None
    next_price: Price | None
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
    return found.select_related("provider").defer("provider__secret").prefetch_related("prices")


def provider_cards(membership: Membership, *, now: datetime, today: date) -> tuple[ProviderCard, ...]:
    """Return every provider of the team with its models, by name."""
    records = {name: calls for read in _call_records for name, calls in read(membership, now).items()}
    models = LanguageModel.objects.prefetch_related("prices").order_by("name")
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
    coming = [price for price in model.prices.all() if price.valid_from > today]
    return ModelCard(
        model=model,
        price=model.price_on(today),
        next_price=min(coming, key=lambda price: price.valid_from, default=None),
        record=records.get(model.name),
    )


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
