"""The models that a team starts with: simulated ones, and those that the environment offers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from orchestra_site.accounts.models import AuditAction, Membership, Team
from orchestra_site.accounts.services import ensure_demo_team
from orchestra_site.web.health import EARLIER_ADVICE, EARLIER_VERSION, is_of_earlier_version
from orchestration.llm.engine.errors import InvalidRequest, ModelError
from orchestration.llm.engine.price_table import price_table
from orchestration.llm.models import LanguageModel, PriceSource, Provider, ProviderKind
from orchestration.llm.providers.adapter import ProviderAccess, RemoteModel
from orchestration.llm.providers.exchange import Deadlines
from orchestration.llm.providers.simulated import CATALOG, SimulatedProfile
from orchestration.llm.providers.transport import build_client
from orchestration.llm.services.credentials import seal_secret
from orchestration.llm.services.provider_kinds import provider_adapter
from orchestration.llm.services.registry.models import NewModel, store_model, suggest_model
from orchestration.llm.services.registry.rows import record, shown_model
from orchestration.llm.services.resources import address_guard

SIMULATED = "Simulated"
SIMULATED_PRICED_FROM = date(2025, 1, 1)
SIMULATED_CONCURRENCY = 64  # no provider's rate limit applies
SEARCH_DEADLINES = Deadlines(connect_s=2, total_s=5)
MOST = 20
OPENAI = "https://api.openai.com/v1"
OLLAMA_PORT = 11434


@transaction.atomic
def seed_simulated(team: Team) -> tuple[LanguageModel, ...]:
    """Give the team the simulated models that it does not have, and return those."""
    provider = _simulated_provider(team)
    taken = set(LanguageModel.objects.filter(team=team).values_list("name", flat=True))
    missing = [profile for profile in CATALOG if profile.name not in taken]
    return tuple(store_model(provider, _simulated_model(profile)) for profile in missing)


@transaction.atomic
def add_simulated(*, membership: Membership) -> tuple[LanguageModel, ...]:
    """Give a member's team the simulated models that it does not have, audited; return those."""
    added = seed_simulated(membership.team)
    for model in added:
        record(membership, AuditAction.MODEL_ADDED, model, {}, shown_model(model))
    return added


def _simulated_model(profile: SimulatedProfile) -> NewModel:
    return NewModel(
        remote_name=profile.name,
        name=profile.name,
        family=profile.family,
        tier=profile.tier,
        context_window=profile.context_window,
        max_output_tokens=profile.max_output_tokens,
        max_concurrency=SIMULATED_CONCURRENCY,
        capabilities=profile.capabilities,
        prices=profile.prices,
        price_source=PriceSource.PROVIDER,
        priced_from=SIMULATED_PRICED_FROM,
    )


def _simulated_provider(team: Team) -> Provider:
    """Return the team's simulated provider, under the first of its names that is free."""
    found: Provider | None = Provider.objects.filter(team=team, kind=ProviderKind.SIMULATED).first()
    if found is not None:
        return found
    taken = set(Provider.objects.filter(team=team).values_list("name", flat=True))
    name = next(
        name for name in (SIMULATED, f"{SIMULATED} models", *map(str, range(1000))) if name not in taken
    )
    return Provider.objects.create(team=team, name=name, kind=ProviderKind.SIMULATED)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundProvider:
    """A provider that may answer. `listed_only`: use only models whose price is known."""

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    listed_only: bool = False


def connect_from_environment(team: Team) -> str:
    """Connect the providers that the environment names; return them in words, empty when there are none.

    Not to be called while an event loop runs. A provider that does not answer is left out.
    """
    listed = asyncio.run(_list_models(environment_providers()))
    stored = [(found, store_found(team, found, models)) for found, models in listed if models]
    parts = [f"{count} models of {found.name}" for found, count in stored if count]
    return f"{' and '.join(parts)} beside simulated ones" if parts else ""


def environment_providers() -> tuple[FoundProvider, ...]:
    """Return the providers that this process's environment names."""
    found = []
    if settings.OPENAI_API_KEY:
        base_url = settings.OPENAI_BASE_URL or OPENAI
        found.append(
            FoundProvider(
                name="OpenAI",
                base_url=base_url,
                api_key=settings.OPENAI_API_KEY,
                listed_only=not settings.OPENAI_BASE_URL,
            )
        )
    if settings.OLLAMA_HOST or settings.PROFILE == "embedded":
        found.append(FoundProvider(name="Ollama", base_url=ollama_address(settings.OLLAMA_HOST)))
    return tuple(found)


def ollama_address(host: str) -> str:
    """Return where Ollama's API is, from OLLAMA_HOST: empty, a host, host:port or an address.

    A server that listens on every interface is asked at 127.0.0.1.
    """
    scheme, _, rest = host.strip().rstrip("/").rpartition("://")
    name, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit():
        name, port = rest, "443" if scheme == "https" else str(OLLAMA_PORT)
    if name in {"", "0.0.0.0", "[::]", "::"}:  # noqa: S104  # an address that a server listens at
        name = "127.0.0.1"
    return f"{scheme or 'http'}://{name}:{port}/v1"


async def _list_models(
    places: Iterable[FoundProvider],
) -> list[tuple[FoundProvider, tuple[RemoteModel, ...]]]:
    """Return the models of each provider, all asked at once; none where it does not answer."""
    adapter = provider_adapter(ProviderKind.OPENAI_COMPATIBLE)
    async with build_client(guard=address_guard()) as client:

        async def listed(found: FoundProvider) -> tuple[FoundProvider, tuple[RemoteModel, ...]]:
            access = ProviderAccess(client=client, base_url=found.base_url, api_key=found.api_key)
            try:
                return found, await adapter.list_models(access, SEARCH_DEADLINES)
            except (ModelError, InvalidRequest):
                return found, ()

        return await asyncio.gather(*map(listed, places))


def store_found(team: Team, found: FoundProvider, remote: tuple[RemoteModel, ...]) -> int:
    """Store the provider with its models, and return how many; none when the team has one of that name."""
    known = price_table()
    chosen = [
        model for model in remote if not found.listed_only or known.match(model.id, found.base_url).listing
    ]
    if not chosen:
        return 0
    provider = Provider(
        team=team, name=found.name, kind=ProviderKind.OPENAI_COMPATIBLE, base_url=found.base_url
    )
    provider.secret = seal_secret(provider, found.api_key)
    try:
        with transaction.atomic():
            provider.save(force_insert=True)
            for model in chosen[:MOST]:
                store_model(provider, suggest_model(model, found.base_url))
    except IntegrityError:
        return 0
    return len(chosen[:MOST])


def prepare_installation(*, demo: bool = True) -> list[str]:
    """Migrate the database and, where no user exists yet, make a demo team with models.

    Returns the lines to print, which contain the password: it is not stored in clear text.
    """
    if is_of_earlier_version(connection):
        raise CommandError(f"{EARLIER_VERSION} {EARLIER_ADVICE}")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)
    if not demo:
        return []
    team, email, password = ensure_demo_team()
    if password is None:
        return []
    offered = connect_from_environment(team)
    seed_simulated(team)
    return [
        "",
        f"A demo team is ready with {offered or 'simulated models'}. Its sign-in is shown only this once:",
        "",
        f"    e-mail    {email}",
        f"    password  {password}",
        "",
    ]
