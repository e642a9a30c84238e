"""Models and their prices: added, changed and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Json, Prices, Tier
from orchestration.llm.models import LanguageModel, Price, Provider
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.providers.prices import model_family, suggest_listing
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
    """A model about to be added. Without prices its cost is unknown; `priced_from` defaults to today."""

    remote_name: str
    name: str
    family: str = ""
    tier: Tier = Tier.MEDIUM
    context_window: int = DEFAULT_WINDOW
    max_output_tokens: int = DEFAULT_OUTPUT
    max_concurrency: int = DEFAULT_CONCURRENCY
    capabilities: frozenset[Capability] = frozenset({Capability.STREAMING})
    prices: Prices | None = None
    priced_from: date | None = None


def suggest_model(remote: RemoteModel, base_url: str = "") -> NewModel:
    """Return what the form suggests: what the provider says, else its price page, else defaults."""
    known = suggest_listing(remote.id, base_url)
    window = remote.context_window or (known.context_window if known else DEFAULT_WINDOW)
    longest = remote.max_output_tokens or (known.max_output_tokens if known else DEFAULT_OUTPUT)
    return NewModel(
        remote_name=remote.id,
        name=remote.id.removeprefix("models/")[:LONGEST_NAME],
        family=model_family(remote.id),
        tier=known.tier if known else Tier.MEDIUM,
        context_window=max(window, SMALLEST_WINDOW),
        # Prompt and answer share the window: half of it leaves room for a question.
        max_output_tokens=min(longest, DEFAULT_OUTPUT, max(window, SMALLEST_WINDOW) // 2),
        capabilities=remote.capabilities | {Capability.STREAMING},
        prices=remote.prices or (known.prices if known else None),
        priced_from=known.valid_from if known and not remote.prices else None,
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
            _add_price(added, model, f"{index}.")
            _record(membership, added, model)
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
    if model.prices:
        new_price(row, model.prices, model.priced_from or timezone.localdate()).save()
    return row


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


def _add_price(row: LanguageModel, model: NewModel, prefix: str) -> None:
    if model.prices:
        price = new_price(row, model.prices, model.priced_from or timezone.localdate())
        check(price, prefix=prefix)
        price.save()


def _record(membership: Membership, row: LanguageModel, model: NewModel) -> None:
    prices = model.prices
    after = shown_model(row)
    if prices:
        after["input_per_million"] = str(prices.input_per_million)
        after["output_per_million"] = str(prices.output_per_million)
    record(membership, AuditAction.MODEL_ADDED, row, {}, after)


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


def set_price(
    *,
    membership: Membership,
    model: LanguageModel,
    input_per_million: Decimal,
    output_per_million: Decimal,
    valid_from: date,
) -> Price:
    """Set the price in US dollars per million tokens from a day on, replacing one that starts on that day.

    Raises `InvalidRequest` at `input_per_million`, `output_per_million` or `valid_from`.
    """
    prices = Prices(input_per_million=input_per_million, output_per_million=output_per_million)
    with stored_whole("Somebody else set the price of that day just now.", "valid_from"):
        row = locked(model, membership)
        replaced = Price.objects.filter(model=row, valid_from=valid_from).first()
        valid_before = replaced or row.price_on(valid_from)
        before = _shown(valid_before) if valid_before else {}
        price = new_price(row, prices, valid_from)
        check(price)
        if replaced:
            price.pk = replaced.pk
        price.save(force_update=bool(replaced), force_insert=not replaced)
        record(membership, AuditAction.PRICE_SET, row, before, _shown(price))
    return price


def new_price(model: LanguageModel, prices: Prices, valid_from: date) -> Price:
    """Return an unsaved row."""
    return Price(
        model=model,
        input_per_million=prices.input_per_million,
        output_per_million=prices.output_per_million,
        valid_from=valid_from,
    )


def _shown(price: Price) -> dict[str, Json]:
    return {
        "input_per_million": format(price.input_per_million.normalize(), "f"),
        "output_per_million": format(price.output_per_million.normalize(), "f"),
        "valid_from": price.valid_from.isoformat(),
    }
