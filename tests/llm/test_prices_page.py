"""The Prices page, and what the other Models pages say of where a price is from."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.types import Prices
from orchestration.llm.models import LanguageModel, Price, PriceSource, Provider
from orchestration.llm.providers.adapter import RemoteModel
from orchestration.llm.services.registry.models import NewModel, add_models, suggest_model
from orchestration.llm.services.registry.providers import connect_provider
from tests.support.history import a_member, signed_in

pytestmark = pytest.mark.django_db
PRICES = "/models/prices/"
OPENAI = "https://api.openai.com/v1"
DEAR = Prices(input_per_million=Decimal(7), output_per_million=Decimal(9))


def a_provider(member: Membership, base_url: str = OPENAI) -> Provider:
    return connect_provider(membership=member, name=f"At {base_url}"[:80], base_url=base_url)


def a_model(member: Membership, provider: Provider, name: str, prices: Prices | None = None) -> LanguageModel:
    new = NewModel(remote_name=name, name=name, prices=prices)
    [model] = add_models(membership=member, provider=provider, models=[new])
    return model


def test_the_list_is_searched_and_says_what_is_the_teams(admin: Membership) -> None:
    provider, client = a_provider(admin), signed_in(admin)
    a_model(admin, provider, "gpt-4o", DEAR)
    page = client.get(f"{PRICES}?q=OPENAI+4o").content.decode()
    for words in (
        "chatgpt-4o-latest",
        "$2.50",
        "$1.25",
        "128,000",
        "gpt-4o differs",
        "from 13 May 2024: $5.00 in",
    ):
        assert words in page
    assert "gemini" not in page.partition("Their pages")[0]
    assert "No list price matches" in client.get(f"{PRICES}?q=%00<b>").content.decode()


def test_each_of_the_teams_models_says_how_it_stands_beside_the_table(admin: Membership) -> None:
    provider = a_provider(admin)
    listed = suggest_model(RemoteModel(id="gpt-4.1"), OPENAI)
    add_models(membership=admin, provider=provider, models=[listed])
    for name, prices in (("gpt-4o", DEAR), ("gpt-5", None), ("my-own", DEAR)):
        a_model(admin, provider, name, prices)
    a_model(admin, a_provider(admin, "https://team.openai.azure.com/openai/v1"), "gpt-4o-mini")
    page = signed_in(admin).get(PRICES).content.decode()
    for words in ("follows it", "differs from", "No price", "Not in the table", "Not sure at this address"):
        assert words in page


def test_a_button_lets_a_model_follow_the_table(admin: Membership) -> None:
    model = a_model(admin, a_provider(admin), "gpt-4o", DEAR)
    data = {"listing": "openai/gpt-4o", "back": "prices"}
    answer = signed_in(admin).post(f"/models/{model.id}/follow/", data)
    assert (answer.status_code, answer["Location"]) == (302, PRICES)
    row = Price.objects.get(model=model)
    assert (row.source, row.listing, row.valid_from) == (
        PriceSource.TABLE,
        "openai/gpt-4o",
        timezone.localdate(),
    )
    page = signed_in(admin).get(f"/models/{model.id}/").content.decode()
    assert "It follows OpenAI" in page
    assert "shipped table of" in page


@pytest.mark.parametrize("listing", ["", "openai/none", "\x00", "../gpt-4o", "9" * 5000])
def test_what_is_no_listing_is_refused_at_its_field(admin: Membership, listing: str) -> None:
    model = a_model(admin, a_provider(admin), "gpt-4o")
    answer = signed_in(admin).post(f"/models/{model.id}/follow/", {"listing": listing})
    assert answer.status_code == 422
    assert 'id="id_listing_error"' in answer.content.decode()
    assert not Price.objects.exists()


def test_a_viewer_may_look_but_not_follow_and_a_stranger_sees_nothing_of_it() -> None:
    owner = a_member(Role.OWNER)
    model = a_model(owner, a_provider(owner), "gpt-4o", DEAR)
    viewer, stranger = a_member(Role.VIEWER, owner.team), a_member(Role.OWNER)
    page = signed_in(viewer).get(PRICES)
    assert "gpt-4o differs" in page.content.decode()
    assert "/follow/" not in page.content.decode()
    assert "gpt-4o differs" not in signed_in(stranger).get(PRICES).content.decode()
    data = {"listing": "openai/gpt-4o"}
    assert signed_in(viewer).post(f"/models/{model.id}/follow/", data).status_code == 403
    assert signed_in(stranger).post(f"/models/{model.id}/follow/", data).status_code == 404


def test_a_price_of_the_table_is_offered_and_followed_unless_it_is_changed(admin: Membership) -> None:
    provider, client = a_provider(admin), signed_in(admin)
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "0",
        "form-0-remote_name": "gpt-4o",
        "form-0-tier": "large",
        "form-0-context_window": "128000",
        "form-0-max_output_tokens": "4096",
        "form-0-input_per_million": "2.50",
        "form-0-output_per_million": "10.0",
        "form-0-cached_input_per_million": "1.25",
        "form-0-price_source": "table",
        "form-0-listing": "openai/gpt-4o",
        "form-0-offered": "2.5/10/1.25",
    }
    address = f"/models/providers/{provider.id}/add/"
    client.post(address, {**form, "form-0-name": "listed"})
    client.post(address, {**form, "form-0-name": "mine", "form-0-output_per_million": "9"})
    found = {
        row.model.name: (row.source, row.set_by) for row in Price.objects.select_related("model", "set_by")
    }
    assert found == {"listed": ("table", admin.user), "mine": ("person", admin.user)}
    page = client.get("/models/").content.decode()
    assert "shipped table of" in page
    assert f"set by {admin.user}" in page


def test_a_cached_price_alone_is_refused(admin: Membership) -> None:
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "0",
        "form-0-remote_name": "gpt-4o",
        "form-0-name": "gpt-4o",
        "form-0-tier": "large",
        "form-0-context_window": "128000",
        "form-0-max_output_tokens": "4096",
        "form-0-cached_input_per_million": "1",
    }
    answer = signed_in(admin).post(f"/models/providers/{a_provider(admin).id}/add/", form)
    assert answer.status_code == 422
    assert 'id="id_form-0-cached_input_per_million_error"' in answer.content.decode()


def test_the_page_costs_at_most_eight_queries_however_many_models(
    admin: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    provider = a_provider(admin)
    for number in range(20):
        a_model(admin, provider, f"model-{number}", DEAR)
    client = signed_in(admin)
    with django_assert_max_num_queries(8):
        client.get(PRICES)
