"""Prices of models: set by a person, or followed in the table that ships with Orchestra."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal

from django.db import DatabaseError
from django.utils import timezone

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.web.health import HealthFinding, fail, ok, warn
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.price_table import DatedPrices, price_table
from orchestration.llm.engine.types import Json, Prices
from orchestration.llm.models import LanguageModel, ModelPrice, Price, PriceSource
from orchestration.llm.services.registry.rows import check, locked, record, stored_whole

OUTDATED = timedelta(days=183)
JUST_NOW = "Somebody else set the price of that day just now."


def set_price(
    *,
    membership: Membership,
    model: LanguageModel,
    input_per_million: Decimal,
    output_per_million: Decimal,
    valid_from: date,
    cached_input_per_million: Decimal | None = None,
) -> Price:
    """Set the price in US dollars per million tokens from a day on, replacing one that starts on that day.

    The shipped table does not change it. Raises `InvalidRequest` at the amount at fault or `valid_from`.
    """
    prices = Prices(
        input_per_million=input_per_million,
        output_per_million=output_per_million,
        cached_input_per_million=cached_input_per_million,
    )
    dated = DatedPrices(valid_from=valid_from, prices=prices)
    return _store(membership, model, new_price(model, dated, source=PriceSource.PERSON))


def follow_table(*, membership: Membership, model: LanguageModel, listing: str) -> Price:
    """Let a model follow a listing of the shipped table from today on.

    Raises `InvalidRequest` at `listing` when the table has none of this name, or no price for it by now.
    """
    today = timezone.localdate()
    known = price_table().listings.get(listing)
    price = known.price_on(today) if known else None
    if price is None:
        raise InvalidRequest("The price table has no such model. Choose one of the list.", field="listing")
    dated = DatedPrices(valid_from=today, prices=price.prices)
    return _store(membership, model, new_price(model, dated, source=PriceSource.TABLE, listing=listing))


def is_outdated(today: date) -> bool:
    """Return whether the shipped table is older than six months."""
    return today - price_table().as_of > OUTDATED


def price_findings() -> Iterator[HealthFinding]:
    """Say how old the shipped price table is, and how many models follow it."""
    table, today = price_table(), timezone.localdate()
    try:
        following = Price.objects.filter(source=PriceSource.TABLE).values("model").distinct().count()
    except DatabaseError as error:
        yield fail(f"The prices cannot be read: {error}", "Fix the database first.")
        return
    follow = "1 model follows it" if following == 1 else f"{following} models follow it"
    sentence = f"The price table that ships with Orchestra is of {table.as_of:%d %B %Y}; {follow}."
    if is_outdated(today):
        yield warn(
            f"{sentence} It is older than six months.",
            "Update Orchestra, or compare the prices under Models > Prices with your providers' pages.",
        )
    else:
        yield ok(sentence)


def new_price(model: LanguageModel, dated: DatedPrices, *, source: PriceSource, listing: str = "") -> Price:
    """Return an unsaved row."""
    return Price(
        model=model,
        input_per_million=dated.prices.input_per_million,
        output_per_million=dated.prices.output_per_million,
        cached_input_per_million=dated.prices.cached_input_per_million,
        valid_from=dated.valid_from,
        source=source,
        listing=listing,
    )


def is_listed(listing: str, prices: Prices) -> bool:
    """Return whether these are today's prices of a listing."""
    known = price_table().listings.get(listing)
    price = known.price_on(timezone.localdate()) if known else None
    return price is not None and price.prices == prices


def shown_price(price: ModelPrice | None) -> dict[str, Json]:
    """Return what the audit log says of a price."""
    if price is None:
        return {}
    amounts = {field.name: getattr(price.prices, field.name) for field in fields(price.prices)}
    return {
        **{name: format(usd.normalize(), "f") for name, usd in amounts.items() if usd is not None},
        "valid_from": price.valid_from.isoformat(),
        **({"listing": price.row.listing} if price.follows else {}),
    }


def _store(membership: Membership, model: LanguageModel, price: Price) -> Price:
    """Store a price in place of one that starts on the same day, with an audit entry."""
    with stored_whole(JUST_NOW, "valid_from"):
        row = locked(model, membership)
        replaced = Price.objects.filter(model=row, valid_from=price.valid_from).first()
        valid_before = row.price_on(price.valid_from)
        price.model, price.set_by = row, membership.user
        check(price)
        if replaced:
            price.pk = replaced.pk
        price.save(force_update=bool(replaced), force_insert=not replaced)
        after = shown_price(next(price.prices(None)))
        record(membership, AuditAction.PRICE_SET, row, shown_price(valid_before), after)
    return price
