"""`manage.py rotate_keys`: provider keys under the newest encryption key; unreadable ones are named."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from orchestra_site.web.encryption import keyring
from orchestration.llm.models import Provider, ProviderKind
from orchestration.llm.services.credentials import open_secret, seal_secret
from tests.support.history import a_member

pytestmark = pytest.mark.django_db
OLD, NEW, LOST = (base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))


@pytest.fixture
def keys(settings: Settings) -> Iterator[Settings]:
    keyring.cache_clear()
    settings.ENCRYPTION_KEYS = [OLD]
    yield settings
    keyring.cache_clear()


def use(settings: Settings, *keys: str) -> None:
    settings.ENCRYPTION_KEYS = list(keys)
    keyring.cache_clear()


def a_provider(name: str, secret: str) -> Provider:
    provider = Provider(
        team=a_member().team,
        name=name,
        kind=ProviderKind.OPENAI_COMPATIBLE,
        base_url="https://api.example.com/v1",
    )
    provider.secret = seal_secret(provider, secret)
    provider.save()
    return provider


def test_keys_are_read_with_the_newest_alone_afterwards(keys: Settings) -> None:
    providers = [a_provider("one", "sk-one-4711"), a_provider("two", "sk-two-4711"), a_provider("three", "")]
    use(keys, NEW, OLD)
    shown = StringIO()
    call_command("rotate_keys", stdout=shown)
    use(keys, NEW)
    for provider in providers:
        provider.refresh_from_db()
    assert [open_secret(provider) for provider in providers] == ["sk-one-4711", "sk-two-4711", None]
    assert "newest key: 2." in shown.getvalue()
    assert "sk-" not in shown.getvalue()


def test_what_cannot_be_read_is_named_and_stays(keys: Settings) -> None:
    use(keys, LOST)
    lost = a_provider("lost", "sk-lost-4711")
    use(keys, OLD)
    kept = a_provider("kept", "sk-kept-4711")
    use(keys, NEW, OLD)
    with pytest.raises(CommandError, match="lost of Research"):
        call_command("rotate_keys", stdout=StringIO())
    use(keys, NEW, LOST)
    lost.refresh_from_db()
    kept.refresh_from_db()
    assert [open_secret(lost), open_secret(kept)] == ["sk-lost-4711", "sk-kept-4711"]
