"""Adding models of a provider, with what is known of them suggested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestra_site.accounts.services import record_change
from orchestration.engine.errors import InvalidRequest
from orchestration.engine.types import Capability, Prices, Tier
from orchestration.models import LanguageModel, Provider
from orchestration.providers.openai_compatible import RemoteModel
from orchestration.providers.prices import family_of, suggest_listing
from orchestration.services.registry.pricing import new_price
from orchestration.services.registry.rows import RegistryAction, check, locked, shown_model, stored_whole

USUAL_WINDOW, USUAL_OUTPUT = 8192, 4096
SMALLEST_WINDOW = 256
LONGEST_NAME = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class NewModel:
    """A model about to be added. Without prices its cost is unknown; `priced_from` defaults to today."""

    remote_name: str
    name: str
    family: str = ""
    tier: Tier = Tier.MEDIUM
    context_window: int = USUAL_WINDOW
    max_output_tokens: int = USUAL_OUTPUT
    capabilities: frozenset[Capability] = frozenset({Capability.STREAMING})
    prices: Prices | None = None
    priced_from: date | None = None


def suggest_model(remote: RemoteModel, base_url: str = "") -> NewModel:
    """Return what to offer in the form: the provider's own words, else its price page's, else the usual."""
    known = suggest_listing(remote.id, base_url)
    window = remote.context_window or (known.context_window if known else USUAL_WINDOW)
    longest = remote.max_output_tokens or (known.max_output_tokens if known else USUAL_OUTPUT)
    return NewModel(
        remote_name=remote.id,
        name=remote.id.removeprefix("models/")[:LONGEST_NAME],
        family=family_of(remote.id),
        tier=known.tier if known else Tier.MEDIUM,
        context_window=max(window, SMALLEST_WINDOW),
        # Prompt and answer share the window: half of it leaves room for a question.
        max_output_tokens=min(longest, USUAL_OUTPUT, max(window, SMALLEST_WINDOW) // 2),
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
    """Return a row that is not stored yet."""
    return LanguageModel(
        team_id=provider.team_id,
        provider=provider,
        name=model.name.strip(),
        remote_name=model.remote_name.strip(),
        family=model.family.strip(),
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        capabilities=sorted(model.capabilities),
        tier=model.tier,
    )


def _check_names(membership: Membership, rows: Sequence[LanguageModel]) -> None:
    """Refuse a name that the team has, or that comes twice."""
    names = [row.name for row in rows]
    taken = set(
        LanguageModel.objects.visible_to(membership).filter(name__in=names).values_list("name", flat=True)
    )
    for index, name in enumerate(names):
        if name in taken:
            message = f"Your team has a model called {name}. Choose another name."
            raise InvalidRequest(message, field=f"{index}.name")
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
    record_change(
        membership=membership, action=RegistryAction.MODEL_ADDED, subject=row.name, before={}, after=after
    )
