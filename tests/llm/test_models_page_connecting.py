"""Connecting a real model: the test, the choice, the addition, and later changes of the provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestration.llm.models import LanguageModel, Provider, ProviderKind
from orchestration.llm.services.credentials import open_secret
from orchestration.llm.services.resources import LoopThread, close_resources, run_async
from tests.support.history import a_member, signed_in
from tests.support.openai_server import OpenAIServer

pytestmark = pytest.mark.django_db
KEY = "sk-canary-123"
FORM = {"HX-Request": "true", "HX-Target": "connect-form"}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    thread = LoopThread("provider")
    thread.start()
    listed = {
        "id": "big/model-2",
        "context_length": 65536,
        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
    }
    found = OpenAIServer(models=("small-model", listed), api_key=KEY)
    thread.wait_for(found.start(), 10)
    yield found
    run_async(close_resources())
    thread.wait_for(found.stop(), 10)
    thread.stop()


def connected(admin: Membership, server: OpenAIServer) -> Provider:
    given = {"name": "Lab", "base_url": server.base_url, "api_key": KEY}
    signed_in(admin).post("/models/connect/", given)
    provider: Provider = Provider.objects.get()
    return provider


def chosen(**fields: object) -> dict[str, object]:
    given = {"remote_name": "small-model", "name": "small", "tier": "small", "context_window": 8192}
    form = {**given, "max_output_tokens": 1024, "capabilities": ["streaming"], **fields}
    return {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 0} | {f"form-0-{name}": form[name] for name in form}


def test_a_connection_that_works_is_stored_and_leads_to_its_models(
    admin: Membership, server: OpenAIServer
) -> None:
    given = {"name": "Lab", "base_url": server.base_url, "api_key": KEY}
    answer = signed_in(admin).post("/models/connect/", given)
    provider = Provider.objects.get()
    assert answer["Location"] == f"/models/providers/{provider.id}/choose/"
    assert open_secret(provider) == KEY
    assert KEY.encode() not in bytes(provider.secret)
    assert KEY not in str(AuditEntry.objects.values_list("before", "after"))


def test_only_a_provider_with_an_address_can_be_connected(admin: Membership, server: OpenAIServer) -> None:
    given = {"name": "Lab", "base_url": server.base_url, "api_key": KEY, "kind": ProviderKind.SIMULATED}
    assert signed_in(admin).post("/models/connect/", given).status_code == 422
    assert not Provider.objects.exists()


def test_htmx_gets_the_next_address_after_connecting(admin: Membership, server: OpenAIServer) -> None:
    given = {"name": "Lab", "base_url": server.base_url, "api_key": KEY}
    answer = signed_in(admin).post("/models/connect/", given, headers=FORM)
    assert answer["HX-Redirect"].endswith("/choose/")


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"api_key": "wrong"}, "api_key", "refused the key"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "base_url", "127.0.0.1:1"),
        ({"base_url": "http://10.0.0.1/v1"}, "base_url", "10.0.0.1"),
        ({"base_url": "ftp://example.com"}, "base_url", "http"),
        ({"base_url": ""}, "base_url", "This field is required"),
        ({"name": ""}, "name", "This field is required"),
        ({"api_key": "two\nlines"}, "api_key", "key"),
    ],
)
def test_a_connection_that_fails_stores_nothing_and_says_why_at_its_field(
    admin: Membership, server: OpenAIServer, given: dict[str, str], field: str, words: str
) -> None:
    form = {"name": "Lab", "base_url": server.base_url, "api_key": KEY, **given}
    answer = signed_in(admin).post("/models/connect/", form, headers=FORM)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert words in page
    assert KEY not in page
    assert not Provider.objects.exists()


def test_a_server_without_a_list_can_be_connected_on_purpose(admin: Membership, server: OpenAIServer) -> None:
    given = {"name": "Lab", "base_url": f"{server.base_url}/deeper", "api_key": KEY}
    client = signed_in(admin)
    assert "I will enter their names" in client.post("/models/connect/", given).content.decode()
    assert client.post("/models/connect/", {**given, "without_list": "on"}).status_code == 302
    page = client.get(f"/models/providers/{Provider.objects.get().id}/choose/").content.decode()
    assert "The list of models could not be read" in page


def test_its_models_are_listed_searched_and_stay_ticked(admin: Membership, server: OpenAIServer) -> None:
    address = f"/models/providers/{connected(admin, server).id}/choose/"
    client = signed_in(admin)
    page = client.get(address).content.decode()
    for words in ("small-model", "big/model-2", "65,536 tokens", "$1.00 in, $2.00 out"):
        assert words in page
    found = client.get(f"{address}?q=BIG&pick=small-model").content.decode()
    assert 'value="small-model" checked' in found
    assert "big/model-2" in found
    assert "No model matches" in client.get(f"{address}?q=zzz").content.decode()


def test_names_and_prices_are_suggested_before_anything_is_added(
    admin: Membership, server: OpenAIServer
) -> None:
    address = f"/models/providers/{connected(admin, server).id}/add/"
    page = signed_in(admin).get(f"{address}?pick=big/model-2&pick=&pick=my-own").content.decode()
    for value in ("big/model-2", "my-own", "65536"):
        assert f'value="{value}"' in page
    assert 'name="form-0-input_per_million" value="1"' in page
    assert not LanguageModel.objects.exists()


@pytest.mark.parametrize(
    ("query", "words"), [("", "at least one"), ("?" + "&".join(f"pick={n}" for n in range(51)), "at most 50")]
)
def test_too_few_or_too_many_ticks_are_refused(
    admin: Membership, server: OpenAIServer, query: str, words: str
) -> None:
    answer = signed_in(admin).get(f"/models/providers/{connected(admin, server).id}/add/{query}")
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_what_was_chosen_is_added_with_its_price(admin: Membership, server: OpenAIServer) -> None:
    address = f"/models/providers/{connected(admin, server).id}/add/"
    form = chosen(input_per_million="0.1", output_per_million="0.4")
    assert signed_in(admin).post(address, form).status_code == 302
    model = LanguageModel.objects.get()
    assert (model.name, model.remote_name, model.tier) == ("small", "small-model", "small")
    assert [str(price.input_per_million) for price in model.prices.all()] == ["0.100000"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "taken"}, "name", "Your team has a model called taken"),
        ({"input_per_million": "1"}, "output_per_million", "Enter both prices"),
        ({"context_window": 1}, "context_window", "greater than or equal to 256"),
    ],
)
def test_an_addition_that_cannot_be_is_refused_at_its_field(
    admin: Membership, server: OpenAIServer, fields: dict[str, object], field: str, words: str
) -> None:
    address = f"/models/providers/{connected(admin, server).id}/add/"
    client = signed_in(admin)
    client.post(address, chosen(name="taken"))
    answer = client.post(address, chosen(**fields))
    assert answer.status_code == 422
    assert f'id="id_form-0-{field}_error"' in answer.content.decode()
    assert words in answer.content.decode()
    assert LanguageModel.objects.count() == 1


def test_a_tampered_form_is_refused_in_words(admin: Membership, server: OpenAIServer) -> None:
    answer = signed_in(admin).post(f"/models/providers/{connected(admin, server).id}/add/", {})
    assert answer.status_code == 422


def test_a_real_model_is_tried_out_with_its_stored_key(admin: Membership, server: OpenAIServer) -> None:
    server.default.text = "It is **391**."
    client = signed_in(admin)
    client.post(f"/models/providers/{connected(admin, server).id}/add/", chosen())
    page = client.post(f"/models/{LanguageModel.objects.get().id}/test/").content.decode()
    assert "It is <strong>391</strong>." in page
    assert server.chats[-1].headers["Authorization"] == f"Bearer {KEY}"


def test_a_stored_connection_is_tested_again(admin: Membership, server: OpenAIServer) -> None:
    address = f"/models/providers/{connected(admin, server).id}/test/"
    part = signed_in(admin).post(address, headers={"HX-Request": "true", "HX-Target": "provider-test"})
    assert "2 models are listed" in part.content.decode()
    assert "<html" not in part.content.decode()


def test_another_address_asks_for_the_key_again(admin: Membership, server: OpenAIServer) -> None:
    provider = connected(admin, server)
    client, address = signed_in(admin), f"/models/providers/{provider.id}/"
    moved = {"name": "Lab", "base_url": "https://api.example.com/v1", "api_key": ""}
    answer = client.post(address, moved)
    assert answer.status_code == 422
    assert 'id="id_api_key_error"' in answer.content.decode()
    assert client.post(address, {**moved, "api_key": "sk-new"}).status_code == 302
    provider.refresh_from_db()
    assert (provider.base_url, open_secret(provider)) == ("https://api.example.com/v1", "sk-new")


def test_a_key_is_never_on_a_page_and_can_be_removed(admin: Membership, server: OpenAIServer) -> None:
    provider = connected(admin, server)
    client, address = signed_in(admin), f"/models/providers/{provider.id}/"
    assert KEY not in client.get(address).content.decode()
    client.post(f"{address}forget-key/")
    provider.refresh_from_db()
    assert open_secret(provider) is None
    assert "Remove the key" not in client.get(address).content.decode()


def test_a_provider_is_switched_off_and_on_and_deleted(admin: Membership, server: OpenAIServer) -> None:
    provider = connected(admin, server)
    client, address = signed_in(admin), f"/models/providers/{provider.id}/"
    for word, enabled in (("no", False), ("yes", True)):
        page = client.post(f"{address}switch/", {"enabled": word}, follow=True).content.decode()
        provider.refresh_from_db()
        assert provider.enabled is enabled
        assert "Lab is" in page
    assert "Lab was deleted" in client.post(f"{address}delete/", follow=True).content.decode()
    assert not Provider.objects.exists()


def test_simulated_models_are_added_once(admin: Membership) -> None:
    client = signed_in(admin)
    page = client.post("/models/simulated/", follow=True).content.decode()
    assert "no real model answers" in page
    count = LanguageModel.objects.count()
    client.post("/models/simulated/")
    assert LanguageModel.objects.count() == count > 2
    provider = Provider.objects.get(kind=ProviderKind.SIMULATED)
    assert client.get(f"/models/providers/{provider.id}/").status_code == 404


@pytest.mark.parametrize("last", ["", "test/", "forget-key/", "switch/", "delete/", "choose/", "add/"])
def test_a_strangers_provider_is_not_there(last: str) -> None:
    stranger = a_member(Role.OWNER)
    theirs = Provider.objects.create(
        team=stranger.team, name="Theirs", kind=ProviderKind.OPENAI_COMPATIBLE, base_url="http://x.example/v1"
    )
    client = signed_in(a_member(Role.OWNER))
    method = client.get if last in {"choose/", "add/"} else client.post
    assert method(f"/models/providers/{theirs.id}/{last}").status_code == 404
    assert Provider.objects.filter(enabled=True).exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_configure_changes_nothing(role: Role) -> None:
    member = a_member(role)
    provider = Provider.objects.create(team=member.team, name="Sim", kind=ProviderKind.SIMULATED)
    client = signed_in(member)
    for last in ("switch/", "delete/", "forget-key/", "test/"):
        assert client.post(f"/models/providers/{provider.id}/{last}").status_code == 403
    assert client.post("/models/simulated/").status_code == 403
    assert Provider.objects.filter(enabled=True).count() == 1
