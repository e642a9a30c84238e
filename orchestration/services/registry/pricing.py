"""What models cost, and from when on. Calls keep the price that they were made at."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.engine.types import Json, Prices
from orchestration.models import LanguageModel, Price
from orchestration.services.registry.rows import RegistryAction, check, locked, stored_whole


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
        price = new_price(row, prices, valid_from)
        check(price)
        if replaced:
            price.pk = replaced.pk
        price.save(force_update=bool(replaced), force_insert=not replaced)
        record_change(
            membership=membership,
            action=RegistryAction.PRICE_SET,
            subject=row.name,
            before=_shown(replaced) if replaced else {},
            after=_shown(price),
        )
    return price


def new_price(model: LanguageModel, prices: Prices, valid_from: date) -> Price:
    """Return a row that is not stored yet."""
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
