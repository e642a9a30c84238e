"""Connecting, changing and deleting providers."""

from functools import partial

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership, Role, Team
from orchestration.llm.engine.errors import InvalidRequest, ModelUnavailable
from orchestration.llm.models import LanguageModel, Provider
from orchestration.llm.services.credentials import frozen_secrets, open_secret, provider_secrets
from orchestration.llm.services.registry.models import NewModel, add_models
from orchestration.llm.services.registry.providers import (
    connect_provider,
    delete_provider,
    set_secret,
    switch_provider,
    update_provider,
)
from orchestration.llm.services.registry.seeding import seed_simulated
from tests.support.history import a_member

KEY = "sk-canary-0123456789"
pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(owner: Membership) -> Provider:
    return connect(owner)


def connect(member: Membership, **fields: str) -> Provider:
    given = {"name": "Example", "base_url": "https://api.example.com/v1/", "api_key": KEY, **fields}
    return connect_provider(
        membership=member, name=given["name"], base_url=given["base_url"], api_key=given["api_key"]
    )


def update(member: Membership, provider: Provider, **fields: str) -> Provider:
    given = {"name": provider.name, "base_url": provider.base_url, "api_key": "", **fields}
    return update_provider(membership=member, provider=provider, **given)


def audited() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "subject"))


def test_a_provider_is_stored_with_its_key_sealed(owner: Membership, provider: Provider) -> None:
    stored = Provider.objects.get()
    assert (stored.name, stored.base_url, stored.enabled) == ("Example", "https://api.example.com/v1", True)
    assert KEY.encode() not in bytes(stored.secret)
    assert open_secret(stored) == KEY
    assert provider_secrets(owner.team_id, [stored.id]) == {stored.id: KEY}
    assert audited() == [("provider.connected", "Example")]


def test_a_local_server_needs_no_key(owner: Membership) -> None:
    provider = connect(owner, base_url="http://localhost:11434/v1", api_key="")
    assert open_secret(provider) is None


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "  "}, "name", "blank"),
        ({"name": "x" * 81}, "name", "80"),
        ({"base_url": ""}, "base_url", "Enter the address"),
        ({"base_url": "api.example.com"}, "base_url", "must start with"),
        ({"base_url": "http://10.0.0.1:8000/v1"}, "base_url", "not a public address"),
        ({"base_url": "http://169.254.169.254/latest"}, "base_url", "not a public address"),
        ({"base_url": "http://[::ffff:10.0.0.1]/v1"}, "base_url", "not a public address"),
        ({"api_key": "two words"}, "api_key", "blanks"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_nothing_is_stored(
    owner: Membership, fields: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words) as raised:
        connect(owner, **fields)
    assert raised.value.field == field
    assert KEY not in str(raised.value)
    assert not Provider.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_name_is_taken_once_in_a_team(owner: Membership, provider: Provider) -> None:
    with pytest.raises(InvalidRequest, match="has a provider of this name") as raised:
        connect(owner)
    assert raised.value.field == "name"
    assert Provider.objects.count() == 1
    assert connect(a_member(Role.OWNER, Team.objects.create(name="Other"))).name == "Example"


def test_a_new_path_or_name_keeps_the_key(owner: Membership, provider: Provider) -> None:
    changed = update(owner, provider, name="Renamed", base_url="https://API.example.com:443/v2")
    assert (changed.name, changed.base_url) == ("Renamed", "https://api.example.com/v2")
    assert open_secret(changed) == KEY
    entry = AuditEntry.objects.get(action="provider.changed")
    assert entry.before == {"name": "Example", "base_url": "https://api.example.com/v1"}


@pytest.mark.parametrize(
    "address", ["http://api.example.com/v1", "https://api.example.com:8443/v1", "https://evil.example/v1"]
)
def test_a_new_origin_asks_for_the_key_again(owner: Membership, provider: Provider, address: str) -> None:
    with pytest.raises(InvalidRequest, match=r"was entered for https://api\.example\.com:443") as raised:
        update(owner, provider, base_url=address)
    assert raised.value.field == "api_key"
    assert Provider.objects.get().base_url == "https://api.example.com/v1"
    assert open_secret(update(owner, provider, base_url=address, api_key="sk-other-key")) == "sk-other-key"


def test_a_key_does_not_open_under_an_address_that_was_changed_behind_our_back(provider: Provider) -> None:
    provider.base_url = "https://evil.example/v1"
    with pytest.raises(ModelUnavailable):
        open_secret(provider)


def test_a_run_that_froze_an_old_address_is_not_given_the_key_of_the_new_one(
    owner: Membership, provider: Provider
) -> None:
    frozen = {provider.id: provider.base_url}
    update(owner, provider, base_url="https://api.example.com/v2")
    assert frozen_secrets(owner.team_id, frozen) == {provider.id: KEY}
    update(owner, provider, base_url="https://elsewhere.example/v1", api_key="sk-other-key")
    assert frozen_secrets(owner.team_id, frozen) == {}


def test_a_key_moved_to_another_teams_row_does_not_open(provider: Provider) -> None:
    other = connect(a_member(Role.OWNER, Team.objects.create(name="Other")))
    other.secret = provider.secret
    with pytest.raises(ModelUnavailable):
        open_secret(other)


def test_a_key_can_be_replaced_and_removed(owner: Membership, provider: Provider) -> None:
    set_secret(membership=owner, provider=provider, api_key=" sk-new-key-1234 ")
    assert open_secret(Provider.objects.get()) == "sk-new-key-1234"
    set_secret(membership=owner, provider=provider, api_key="")
    assert bytes(Provider.objects.get().secret) == b""
    assert [action for action, _ in audited()][1:] == ["provider.key_set", "provider.key_removed"]


def test_nothing_that_is_audited_holds_a_key(owner: Membership, provider: Provider) -> None:
    update(owner, provider, api_key="sk-second-canary")
    delete_provider(membership=owner, provider=provider)
    written = str(list(AuditEntry.objects.values()))
    assert "canary" not in written
    assert "replaced" in written


def test_saving_without_a_change_is_no_change(owner: Membership, provider: Provider) -> None:
    update(owner, provider)
    assert audited() == [("provider.connected", "Example")]


def test_switching_is_audited_once(owner: Membership, provider: Provider) -> None:
    for _ in range(2):
        switch_provider(membership=owner, provider=provider, enabled=False)
    assert not Provider.objects.get().enabled
    assert provider_secrets(owner.team_id, [provider.id]) == {}
    switch_provider(membership=owner, provider=provider, enabled=True)
    assert [action for action, _ in audited()][1:] == ["provider.disabled", "provider.enabled"]


def test_deleting_takes_the_models_along_and_says_which(owner: Membership, provider: Provider) -> None:
    new = NewModel(remote_name="alpha", name="Alpha")
    add_models(membership=owner, provider=provider, models=[new])
    delete_provider(membership=owner, provider=provider)
    assert not Provider.objects.exists()
    assert not LanguageModel.objects.exists()
    assert AuditEntry.objects.get(action="provider.deleted").before["models"] == ["Alpha"]


def test_a_stranger_finds_nothing_to_change(provider: Provider) -> None:
    stranger = a_member(Role.OWNER, Team.objects.create(name="Other"))
    for change in (partial(switch_provider, enabled=False), delete_provider):
        with pytest.raises(InvalidRequest, match="was deleted in the meantime"):
            change(membership=stranger, provider=provider)
    with pytest.raises(InvalidRequest, match="was deleted in the meantime"):
        update(stranger, provider, name="Mine")
    assert Provider.objects.get().enabled


def test_the_simulated_provider_takes_a_name_but_neither_address_nor_key(owner: Membership) -> None:
    provider = seed_simulated(owner.team)[0].provider
    assert update(owner, provider, name="Practice").name == "Practice"
    for fields in ({"base_url": "https://api.example.com/v1"}, {"api_key": KEY}):
        with pytest.raises(InvalidRequest, match="neither address nor key"):
            update(owner, provider, **fields)
    with pytest.raises(InvalidRequest, match="neither address nor key"):
        set_secret(membership=owner, provider=provider, api_key=KEY)
