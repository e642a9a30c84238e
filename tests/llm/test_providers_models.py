"""Adding and changing models, and what they cost."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership, Role, Team
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Prices, Tier
from orchestration.llm.models import LanguageModel, Price, Provider, ProviderKind
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.providers.simulated import CATALOG
from orchestration.llm.services.registry.models import (
    NewModel,
    add_models,
    delete_model,
    suggest_model,
    update_model,
)
from orchestration.llm.services.registry.providers import connect_provider
from orchestration.llm.services.registry.seeding import add_simulated, seed_simulated
from tests.support.history import a_member

DOLLAR = Prices(input_per_million=Decimal(1), output_per_million=Decimal(4))
pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(owner: Membership) -> Provider:
    return connect_provider(membership=owner, name="Example", base_url="https://api.example.com/v1")


@pytest.fixture
def alpha(owner: Membership, provider: Provider) -> LanguageModel:
    return add(owner, provider, NewModel(remote_name="alpha", name="Alpha"))[0]


def add(owner: Membership, provider: Provider, *models: NewModel) -> tuple[LanguageModel, ...]:
    return add_models(membership=owner, provider=provider, models=models)


def test_models_are_stored_with_their_price(owner: Membership, provider: Provider) -> None:
    new = NewModel(
        remote_name="alpha-1",
        name=" Alpha ",
        family="alpha",
        tier=Tier.LARGE,
        context_window=1000,
        max_output_tokens=100,
        capabilities=frozenset({Capability.TOOLS, Capability.JSON_SCHEMA}),
        prices=DOLLAR,
        priced_from=date(2025, 1, 1),
    )
    (row,) = add(owner, provider, new)
    stored = LanguageModel.objects.get(pk=row.pk)
    assert (stored.name, stored.remote_name, stored.tier) == ("Alpha", "alpha-1", "large")
    assert stored.capabilities == ["json_schema", "tools"]
    price = stored.price_on(date(2025, 6, 1))
    assert price
    assert price.prices == DOLLAR
    assert AuditEntry.objects.filter(action="model.added", subject="Alpha").count() == 1


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (NewModel(remote_name="b", name="Alpha"), "1.name"),
        (NewModel(remote_name="b", name=""), "1.name"),
        (NewModel(remote_name="", name="B"), "1.remote_name"),
        (NewModel(remote_name="b", name="B", context_window=1), "1.context_window"),
        (NewModel(remote_name="b", name="B", max_output_tokens=0), "1.max_output_tokens"),
        (
            NewModel(
                remote_name="b",
                name="B",
                prices=Prices(input_per_million=Decimal(-1), output_per_million=Decimal(0)),
            ),
            "1.input_per_million",
        ),
    ],
)
def test_one_bad_model_stores_none_and_is_pointed_at(
    owner: Membership, provider: Provider, second: NewModel, field: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        add(owner, provider, NewModel(remote_name="a", name="Alpha", prices=DOLLAR), second)
    assert raised.value.field == field
    assert not LanguageModel.objects.exists()
    assert not Price.objects.exists()


def test_nothing_chosen_is_said(owner: Membership, provider: Provider) -> None:
    with pytest.raises(InvalidRequest, match="at least one model"):
        add(owner, provider)


def test_a_name_that_the_team_has_is_refused(
    owner: Membership, provider: Provider, alpha: LanguageModel
) -> None:
    with pytest.raises(InvalidRequest, match="has a model called Alpha") as raised:
        add(owner, provider, NewModel(remote_name="other", name="Alpha"))
    assert raised.value.field == "0.name"


def test_what_the_provider_says_goes_before_what_is_known_of_it() -> None:
    listed = RemoteModel(id="gpt-4o", context_window=5000, prices=DOLLAR)
    suggested = suggest_model(listed, "https://api.openai.com/v1")
    assert (suggested.context_window, suggested.prices, suggested.priced_from) == (5000, DOLLAR, None)
    known = suggest_model(RemoteModel(id="gpt-4o"), "https://api.openai.com/v1")
    assert (known.context_window, known.tier, known.family) == (128_000, Tier.LARGE, "gpt")
    assert known.prices == Prices(
        input_per_million=Decimal("2.50"),
        output_per_million=Decimal(10),
        cached_input_per_million=Decimal("1.25"),
    )
    assert (known.listing, known.priced_from) == ("openai/gpt-4o", date(2024, 5, 13))


def test_of_a_stranger_the_usual_is_suggested_and_no_price() -> None:
    suggested = suggest_model(RemoteModel(id="models/homemade", context_window=10), "http://localhost/v1")
    assert (suggested.name, suggested.remote_name) == ("homemade", "models/homemade")
    assert (suggested.context_window, suggested.max_output_tokens) == (256, 128)
    assert (suggested.prices, suggested.tier) == (None, Tier.MEDIUM)


def test_a_model_is_changed_and_what_changed_is_audited(owner: Membership, alpha: LanguageModel) -> None:
    changed = update_model(
        membership=owner, model=alpha, name=" Beta ", timeout_s=5.0, capabilities=["vision", "tools"]
    )
    assert (changed.name, changed.timeout_s, changed.capabilities) == ("Beta", 5.0, ["tools", "vision"])
    entry = AuditEntry.objects.get(action="model.changed")
    assert entry.before == {"name": "Alpha", "timeout_s": 120.0, "capabilities": ["streaming"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"tier": "huge"}, "tier"),
        ({"context_window": 0}, "context_window"),
        ({"max_concurrency": 1000}, "max_concurrency"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"capabilities": ["telepathy"]}, "capabilities"),
        ({"team_id": "x"}, "team_id"),
        ({"provider": "x"}, "provider"),
    ],
)
def test_what_no_model_can_have_is_refused_at_its_field(
    owner: Membership, alpha: LanguageModel, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        update_model(membership=owner, model=alpha, **changes)
    assert raised.value.field == field
    assert not AuditEntry.objects.filter(action="model.changed").exists()


def test_a_model_cannot_take_anothers_name(
    owner: Membership, provider: Provider, alpha: LanguageModel
) -> None:
    (beta,) = add(owner, provider, NewModel(remote_name="beta", name="Beta"))
    with pytest.raises(InvalidRequest, match="has a model called Alpha") as raised:
        update_model(membership=owner, model=beta, name="Alpha")
    assert raised.value.field == "name"


def test_models_are_disabled_and_deleted(owner: Membership, alpha: LanguageModel) -> None:
    for _ in range(2):
        update_model(membership=owner, model=alpha, enabled=False)
    assert not LanguageModel.objects.get().enabled
    delete_model(membership=owner, model=alpha)
    assert not LanguageModel.objects.exists()
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions)[1:] == ["model.added", "model.changed", "model.deleted"]


def test_a_stranger_finds_no_model_to_change(alpha: LanguageModel) -> None:
    stranger = a_member(Role.OWNER, Team.objects.create(name="Other"))
    with pytest.raises(InvalidRequest, match="was deleted in the meantime"):
        delete_model(membership=stranger, model=alpha)


def test_simulated_models_are_given_once_and_priced(owner: Membership) -> None:
    added = add_simulated(membership=owner)
    assert [model.name for model in added] == [profile.name for profile in CATALOG]
    assert {model.provider.kind for model in added} == {ProviderKind.SIMULATED}
    assert all(model.price_on(date(2025, 6, 1)) for model in added)
    assert AuditEntry.objects.filter(action="model.added").count() == len(CATALOG)
    assert add_simulated(membership=owner) == ()


def test_a_deleted_simulated_model_comes_back_beside_the_others(owner: Membership) -> None:
    first = seed_simulated(owner.team)[0]
    delete_model(membership=owner, model=first)
    assert [model.name for model in seed_simulated(owner.team)] == [first.name]
    assert Provider.objects.count() == 1


def test_simulated_models_find_a_name_for_their_provider(owner: Membership) -> None:
    connect_provider(membership=owner, name="Simulated", base_url="https://api.example.com/v1")
    assert seed_simulated(owner.team)[0].provider.name == "Simulated models"
