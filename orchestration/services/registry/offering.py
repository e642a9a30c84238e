"""What a first start finds on the machine and in its environment: keys, and a local Ollama."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from orchestra_site.accounts.models import Team
from orchestration.engine.errors import InvalidRequest, ModelError
from orchestration.models import Provider, ProviderKind
from orchestration.providers.deadlines import Deadlines
from orchestration.providers.openai_compatible import RemoteModel, list_models
from orchestration.providers.prices import suggest_listing
from orchestration.providers.transport import build_client
from orchestration.services.registry.adding import NewModel, new_row, suggest_model
from orchestration.services.registry.pricing import new_price
from orchestration.wiring.credentials import seal_secret
from orchestration.wiring.resources import address_guard

PATIENCE = Deadlines(connect_s=2, first_event_s=4, idle_s=4, total_s=6)
MOST = 20
OPENAI = "https://api.openai.com/v1"
OLLAMA_PORT = 11434


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A place that models may be found at. `listed_only`: take only models whose price is known."""

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    listed_only: bool = False


def offer_from_environment(team: Team) -> str:
    """Connect what the environment names and answers; return it in words, nothing when there is nothing.

    Not to be called while an event loop runs. A provider that does not answer is left out.
    """
    found = asyncio.run(_look(offers()))
    stored = [(offer, store_offer(team, offer, models)) for offer, models in found if models]
    parts = [f"{count} models of {offer.name}" for offer, count in stored if count]
    return f"{' and '.join(parts)} beside simulated ones" if parts else ""


def offers() -> tuple[Offer, ...]:
    """Return the places that this process's environment names."""
    found = []
    if settings.OPENAI_API_KEY:
        base_url = settings.OPENAI_BASE_URL or OPENAI
        found.append(
            Offer(
                name="OpenAI",
                base_url=base_url,
                api_key=settings.OPENAI_API_KEY,
                listed_only=not settings.OPENAI_BASE_URL,
            )
        )
    if settings.OLLAMA_HOST or settings.PROFILE == "embedded":
        found.append(Offer(name="Ollama", base_url=ollama_address(settings.OLLAMA_HOST)))
    return tuple(found)


def ollama_address(host: str) -> str:
    """Return where Ollama's API is, from what OLLAMA_HOST may hold: nothing, a host, host:port or an address.

    A server told to listen everywhere is found at 127.0.0.1.
    """
    scheme, _, rest = host.strip().rstrip("/").rpartition("://")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit():
        name, port = rest, "443" if scheme == "https" else str(OLLAMA_PORT)
    if name in {"", "0.0.0.0", "[::]", "::"}:  # noqa: S104  # where a server listens, not where we do
        name = "127.0.0.1"
    return f"{scheme or 'http'}://{name}:{port}/v1"


async def _look(places: Iterable[Offer]) -> list[tuple[Offer, tuple[RemoteModel, ...]]]:
    """Return what each place lists, all asked at once."""
    async with build_client(guard=address_guard()) as client:

        async def listed(offer: Offer) -> tuple[Offer, tuple[RemoteModel, ...]]:
            try:
                return offer, await list_models(offer.base_url, offer.api_key, client, PATIENCE)
            except (ModelError, InvalidRequest):
                return offer, ()

        return await asyncio.gather(*map(listed, places))


def store_offer(team: Team, offer: Offer, remote: tuple[RemoteModel, ...]) -> int:
    """Store the provider with its models, and return how many; none when the team has one of that name."""
    chosen = [model for model in remote if not offer.listed_only or suggest_listing(model.id, offer.base_url)]
    if not chosen:
        return 0
    provider = Provider(
        team=team, name=offer.name, kind=ProviderKind.OPENAI_COMPATIBLE, base_url=offer.base_url
    )
    provider.secret = seal_secret(provider, offer.api_key)
    try:
        with transaction.atomic():
            provider.save(force_insert=True)
            for model in chosen[:MOST]:
                _add(provider, suggest_model(model, offer.base_url))
    except IntegrityError:
        return 0
    return len(chosen[:MOST])


def _add(provider: Provider, model: NewModel) -> None:
    row = new_row(provider, model)
    row.save(force_insert=True)
    if model.prices:
        new_price(row, model.prices, model.priced_from or timezone.localdate()).save()
