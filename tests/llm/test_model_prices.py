"""What a team's models cost: set by a person, or followed in the shipped table."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orchestra_site.accounts.models import AuditEntry, Membership, Role, Team
from orchestra_site.web.health import Severity
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.price_table import price_table
from orchestration.llm.engine.types import Prices
from orchestration.llm.models import LanguageModel, Price, PriceSource, Provider, ProviderKind
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.selectors import PriceStanding, priced_model
from orchestration.llm.services.registry.models import NewModel, add_models, suggest_model
from orchestration.llm.services.registry.prices import (
    OUTDATED,
    follow_table,
    is_outdated,
    price_findings,
    set_price,
)
from orchestration.llm.services.registry.providers import connect_provider
from tests.support.history import a_member

pytestmark = pytest.mark.django_db
OPENAI = "https://api.openai.com/v1"


@pytest.fixture
def provider(owner: Membership) -> Provider:
    return connect_provider(membership=owner, name="OpenAI", base_url=OPENAI)


@pytest.fixture
def alpha(owner: Membership, provider: Provider) -> LanguageModel:
    return added(owner, provider, NewModel(remote_name="gpt-4o", name="Alpha"))


def added(owner: Membership, provider: Provider, model: NewModel) -> LanguageModel:
    return add_models(membership=owner, provider=provider, models=[model])[0]


def output_on(model: LanguageModel, *day: int) -> int | None:
    price = model.price_on(date(*day))
    return int(price.prices.output_per_million) if price else None


def priced(owner: Membership, model: LanguageModel, dollars: str, valid_from: date) -> Price:
    return set_price(
        membership=owner,
        model=model,
        input_per_million=Decimal(dollars),
        output_per_million=Decimal(dollars),
        valid_from=valid_from,
    )


def test_a_price_holds_from_its_day_until_the_next(owner: Membership, alpha: LanguageModel) -> None:
    assert (alpha.price_on(date(2025, 1, 1)), alpha.prices_today()) == (None, None)
    priced(owner, alpha, "2", date(2025, 3, 1))
    priced(owner, alpha, "1", date(2025, 1, 1))
    dollars = [alpha.price_on(date(2025, month, 1)) for month in (1, 2, 3, 4)]
    assert [price.prices.input_per_million for price in dollars if price] == [1, 1, 2, 2]
    assert alpha.prices_today() == Prices(input_per_million=Decimal(2), output_per_million=Decimal(2))


def test_a_price_of_the_same_day_is_replaced(owner: Membership, alpha: LanguageModel) -> None:
    priced(owner, alpha, "1", date(2025, 1, 1))
    priced(owner, alpha, "0.5", date(2025, 1, 1))
    assert [price.input_per_million for price in Price.objects.all()] == [Decimal("0.5")]
    entry = AuditEntry.objects.filter(action="price.set").order_by("-id")[0]
    assert (entry.before["input_per_million"], entry.after["input_per_million"]) == ("1", "0.5")


@pytest.mark.parametrize("dollars", ["-1", "NaN", "1e9", "0.0000001"])
def test_a_price_that_cannot_be_is_refused(owner: Membership, alpha: LanguageModel, dollars: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        priced(owner, alpha, dollars, date(2025, 1, 1))
    assert raised.value.field == "input_per_million"
    assert not Price.objects.exists()


def test_a_stranger_cannot_set_a_price(alpha: LanguageModel) -> None:
    stranger = a_member(Role.OWNER, Team.objects.create(name="Other"))
    with pytest.raises(InvalidRequest, match="was deleted in the meantime"):
        priced(stranger, alpha, "1", date(2025, 1, 1))
    with pytest.raises(InvalidRequest, match="was deleted in the meantime"):
        follow_table(membership=stranger, model=alpha, listing="openai/gpt-4o")


def test_a_model_added_as_suggested_follows_the_table_by_date(owner: Membership, provider: Provider) -> None:
    model = added(owner, provider, suggest_model(RemoteModel(id="gpt-4o"), OPENAI))
    assert (output_on(model, 2024, 5, 12), output_on(model, 2024, 6, 1)) == (None, 15)
    assert (output_on(model, 2024, 10, 2), output_on(model, 2026, 12, 1)) == (10, 10)
    assert priced_model(model, timezone.localdate()).standing is PriceStanding.FOLLOWS
    entry = AuditEntry.objects.get(action="model.added")
    assert (entry.after["output_per_million"], entry.after["listing"]) == ("10", "openai/gpt-4o")


def test_other_amounts_than_the_tables_are_those_of_the_person(owner: Membership, provider: Provider) -> None:
    prices = Prices(input_per_million=Decimal(2), output_per_million=Decimal(10))
    mine = NewModel(
        remote_name="gpt-4o",
        name="mine",
        prices=prices,
        price_source=PriceSource.TABLE,
        listing="openai/gpt-4o",
    )
    row = added(owner, provider, mine).prices.get()
    assert (row.source, row.listing, row.set_by) == (PriceSource.PERSON, "", owner.user)


def test_what_a_person_set_stays_until_the_model_follows_again(owner: Membership, provider: Provider) -> None:
    model = added(owner, provider, suggest_model(RemoteModel(id="claude-sonnet-5"), OPENAI))
    follow_table(membership=owner, model=model, listing="anthropic/claude-sonnet-5")
    Price.objects.update(valid_from=date(2026, 7, 1))
    assert (output_on(model, 2026, 8, 31), output_on(model, 2026, 9, 1)) == (10, 15)
    priced(owner, model, "12", date(2026, 8, 1))
    model.refresh_from_db()
    assert (output_on(model, 2026, 7, 31), output_on(model, 2026, 9, 1)) == (10, 12)
    follow_table(membership=owner, model=model, listing="anthropic/claude-sonnet-5")
    today = timezone.localdate()
    price = model.price_on(today)
    assert price is not None
    assert price.follows
    assert output_on(model, today.year, today.month, today.day) == 15


def test_a_listing_that_is_gone_leaves_its_last_price(owner: Membership, alpha: LanguageModel) -> None:
    follow_table(membership=owner, model=alpha, listing="openai/gpt-4o")
    Price.objects.update(listing="openai/gone")
    price = alpha.price_on(timezone.localdate())
    assert price is not None
    assert price.prices.output_per_million == 10
    assert price.origin == "an earlier table"


def test_an_unknown_listing_cannot_be_followed(owner: Membership, alpha: LanguageModel) -> None:
    with pytest.raises(InvalidRequest, match="no such model") as raised:
        follow_table(membership=owner, model=alpha, listing="openai/\ud800")
    assert raised.value.field == "listing"


def test_cached_input_has_a_price_of_its_own(owner: Membership, alpha: LanguageModel) -> None:
    set_price(
        membership=owner,
        model=alpha,
        input_per_million=Decimal(2),
        output_per_million=Decimal(8),
        cached_input_per_million=Decimal("0.5"),
        valid_from=date(2025, 1, 1),
    )
    alpha.refresh_from_db()
    found = alpha.prices_today()
    assert found is not None
    assert found.cached_input_per_million == Decimal("0.5")
    assert AuditEntry.objects.latest("id").after["cached_input_per_million"] == "0.5"


@pytest.mark.parametrize(
    ("dollars", "standing"),
    [
        (None, PriceStanding.UNPRICED),
        ("2.5/10/1.25", PriceStanding.SAME),
        ("2.5/10", PriceStanding.DIFFERS),
    ],
)
def test_a_price_stands_somewhere_beside_the_table(
    alpha: LanguageModel, dollars: str | None, standing: PriceStanding
) -> None:
    names = ("input_per_million", "output_per_million", "cached_input_per_million")
    if dollars:
        Price.objects.create(model=alpha, **dict(zip(names, map(Decimal, dollars.split("/")), strict=False)))
    found = priced_model(alpha, timezone.localdate())
    assert found.standing is standing
    assert found.listed is not None
    assert found.listed.listing.key == "openai/gpt-4o"


def test_a_model_of_ones_own_is_free_only_if_somebody_says_so(owner: Membership) -> None:
    local = connect_provider(membership=owner, name="Local", base_url="http://localhost:11434/v1")
    suggested = suggest_model(RemoteModel(id="llama3.2:3b"), local.base_url)
    model = added(owner, local, suggested)
    assert model.prices_today() is None
    priced(owner, model, "0", date(2025, 1, 1))
    model.refresh_from_db()
    assert model.prices_today() == Prices(input_per_million=Decimal(0), output_per_million=Decimal(0))
    assert priced_model(model, timezone.localdate()).standing is PriceStanding.UNLISTED


def test_simulated_models_have_nothing_to_do_with_the_table(owner: Membership) -> None:
    own = Provider.objects.create(team=owner.team, name="Sim", kind=ProviderKind.SIMULATED)
    model = LanguageModel(team=owner.team, provider=own, name="gpt-4o", remote_name="gpt-4o")
    model.save()
    found = priced_model(model, timezone.localdate())
    assert (found.listed, found.elsewhere) == (None, ())


def test_doctor_says_how_old_the_table_is(owner: Membership, alpha: LanguageModel) -> None:
    follow_table(membership=owner, model=alpha, listing="openai/gpt-4o")
    (finding,) = price_findings()
    assert "1 model follows it" in finding.sentence
    day = price_table().as_of + OUTDATED
    assert (is_outdated(day), is_outdated(day + timedelta(days=1))) == (False, True)
    assert finding.level is (Severity.WARN if is_outdated(timezone.localdate()) else Severity.OK)
