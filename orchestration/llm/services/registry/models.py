"""Models and their prices: added, changed and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.price_table import DatedPrices, Listing, model_family, price_table
from orchestration.llm.engine.types import Capability, Prices, Tier
from orchestration.llm.models import LanguageModel, Price, PriceSource, Provider
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.services.registry.prices import is_listed, new_price, shown_price
from orchestration.llm.services.registry.rows import (
    check,
    difference,
    locked,
    record,
    shown_model,
    stored_whole,
)

DEFAULT_WINDOW, DEFAULT_OUTPUT, DEFAULT_CONCURRENCY = 8192, 4096, 8
SMALLEST_WINDOW = 256
LONGEST_NAME = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class NewModel:
    """A model about to be added. Without prices its cost is unknown; `priced_from` defaults to today.

    With the source TABLE it follows `listing` as long as the prices are those of the table.
    """

    remote_name: str
    name: str
    family: str = ""
    tier: Tier = Tier.MEDIUM
    context_window: int = DEFAULT_WINDOW
    max_output_tokens: int = DEFAULT_OUTPUT
    max_concurrency: int = DEFAULT_CONCURRENCY
    capabilities: frozenset[Capability] = frozenset({Capability.STREAMING})
    prices: Prices | None = None
    price_source: PriceSource = PriceSource.PERSON
    listing: str = ""
    priced_from: date | None = None


def suggest_model(remote: RemoteModel, base_url: str = "") -> NewModel:
    """Return what the form suggests: what the provider says, else the shipped price table, else defaults."""
    known = price_table().match(remote.id, base_url).listing
    window = remote.context_window or (known and known.context_window) or DEFAULT_WINDOW
    longest = remote.max_output_tokens or (known and known.max_output_tokens) or DEFAULT_OUTPUT
    plain = NewModel(
        remote_name=remote.id,
        name=remote.id.removeprefix("models/")[:LONGEST_NAME],
        family=model_family(remote.id),
        tier=known.tier if known else Tier.MEDIUM,
        context_window=max(window, SMALLEST_WINDOW),
        # Prompt and answer share the window: half of it leaves room for a question.
        max_output_tokens=min(longest, DEFAULT_OUTPUT, max(window, SMALLEST_WINDOW) // 2),
        capabilities=remote.capabilities | {Capability.STREAMING},
    )
    if remote.prices:
        return replace(plain, prices=remote.prices, price_source=PriceSource.PROVIDER)
    return _following(plain, known)


def _following(model: NewModel, listing: Listing | None) -> NewModel:
    """Return the model as one that follows the listing, if that has a price by now."""
    price = listing.price_on(timezone.localdate()) if listing else None
    if not listing or not price:
        return model
    return replace(
        model,
        prices=price.prices,
        price_source=PriceSource.TABLE,
        listing=listing.key,
        priced_from=listing.prices[0].valid_from,
    )


def add_models(
    *, membership: Membership, provider: Provider, models: Sequence[NewModel]
) -> tuple[LanguageModel, ...]:
    """Store the models with their prices, all or none.

    Raises `InvalidRequest` at `models` when there are none, else at `<index>.<field>` of the first at fault.
    """
    if not models:
        raise InvalidRequest("Choose at least one model.", field="models")
    with stored_whole("A model of one of these names was added in the meantime.", "0.name"):
        row = locked(provider, membership)
        rows = [new_row(row, model) for model in models]
        _check_names(membership, rows)
        for index, (added, model) in enumerate(zip(rows, models, strict=True)):
            check(added, prefix=f"{index}.")
            added.save(force_insert=True)
            if price := _price(added, model):
                price.set_by = membership.user
                check(price, prefix=f"{index}.")
                price.save()
            after = shown_model(added) | shown_price(added.price_on(timezone.localdate()))
            record(membership, AuditAction.MODEL_ADDED, added, {}, after)
    return tuple(rows)


def new_row(provider: Provider, model: NewModel) -> LanguageModel:
    """Return an unsaved row."""
    return LanguageModel(
        team_id=provider.team_id,
        provider=provider,
        name=model.name.strip(),
        remote_name=model.remote_name.strip(),
        family=model.family.strip(),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        max_concurrency=model.max_concurrency,
        capabilities=sorted(model.capabilities),
        tier=model.tier,
    )


def store_model(provider: Provider, model: NewModel) -> LanguageModel:
    """Store a model with its price, unchecked and without an audit entry."""
    row = new_row(provider, model)
    row.save(force_insert=True)
    if price := _price(row, model):
        price.save()
    return row


def _price(row: LanguageModel, model: NewModel) -> Price | None:
    """Return the unsaved price of a model; other amounts than its source has are those of a person."""
    if model.prices is None:
        return None
    day, source, listing = model.priced_from or timezone.localdate(), model.price_source, model.listing
    if source == PriceSource.TABLE and not is_listed(listing, model.prices):
        source, listing = PriceSource.PERSON, ""
    return new_price(row, DatedPrices(valid_from=day, prices=model.prices), source=source, listing=listing)


def _check_names(membership: Membership, rows: Sequence[LanguageModel]) -> None:
    """Raise `InvalidRequest` for a name that the team has, or that comes twice."""
    names = [row.name for row in rows]
    taken = set(
        LanguageModel.objects.visible_to(membership).filter(name__in=names).values_list("name", flat=True)
    )
    for index, name in enumerate(names):
        if name in taken:
            raise InvalidRequest(
                f"Your team has a model called {name}. Choose another name.", field=f"{index}.name"
            )
        taken.add(name)


class ModelChanges(TypedDict, total=False):
    """The fields of a model that can be changed."""

    name: str
    family: str
    tier: str
    context_window: int
    max_output_tokens: int
    max_concurrency: int
    timeout_s: float
    capabilities: Sequence[str]
    enabled: bool


CHANGEABLE = ModelChanges.__annotations__.keys()


def update_model(
    *, membership: Membership, model: LanguageModel, **changes: Unpack[ModelChanges]
) -> LanguageModel:
    """Change a model; runs keep what they were started with. Raises `InvalidRequest` at the bad field."""
    taken = f"Your team has a model called {changes.get('name', '').strip()}. Choose another name."
    with stored_whole(taken, "name"):
        row = locked(model, membership)
        before = shown_model(row)
        for field, value in changes.items():
            setattr(row, field, _stored_value(field, value))
        check(row)
        row.save()
        was, is_now = difference(before, shown_model(row))
        if is_now:
            record(membership, AuditAction.MODEL_CHANGED, row, was, is_now)
    return row


@transaction.atomic
def delete_model(*, membership: Membership, model: LanguageModel) -> None:
    """Delete a model with its prices; runs keep their copy. Raises `InvalidRequest` when it was deleted."""
    row = locked(model, membership)
    record(membership, AuditAction.MODEL_DELETED, row, shown_model(row), {})
    row.delete()


def _stored_value(field: str, value: object) -> object:
    """Return a field's value as it is stored. Raises `InvalidRequest` for what no model has."""
    if field not in CHANGEABLE:
        raise InvalidRequest(f"A model's {field} cannot be changed.", field=field)
    if field == "capabilities" and isinstance(value, Sequence):
        return sorted(map(_capability, value))
    return value.strip() if isinstance(value, str) else value


def _capability(name: object) -> str:
    try:
        return Capability(str(name)).value
    except ValueError as error:
        raise InvalidRequest(f"No model has a capability called {name}.", field="capabilities") from error
