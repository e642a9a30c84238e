"""Settings: what is refused, what follows from what, and that each is documented."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestra_site.settings import backends
from orchestra_site.settings.environment import (
    ROOT,
    Environment,
    encryption_key_problems,
    make_private,
    production_problems,
    read_environment,
    read_or_create,
    settings_module,
    variable_name,
)

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
PRODUCTION = {
    "ORCHESTRA_PROFILE": "production",
    "ORCHESTRA_SECRET_KEY": "x" * 50,
    "ORCHESTRA_ENCRYPTION_KEYS": KEY,
    "ORCHESTRA_ALLOWED_HOSTS": "orchestra.example.com",
    "ORCHESTRA_DATABASE_URL": "postgresql://db/orchestra",
    "ORCHESTRA_REDIS_URL": "redis://cache:6379/0",
}


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_every_setting_is_documented_and_nothing_else() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", text, re.MULTILINE))
    assert documented == {variable_name(field) for field in Environment.model_fields}


def test_complete_production_settings_are_accepted(production: pytest.MonkeyPatch) -> None:
    assert read_environment().profile == "production"
    assert settings_module() == "orchestra_site.settings.prod"


@pytest.mark.parametrize("name", sorted(set(PRODUCTION) - {"ORCHESTRA_PROFILE"}))
def test_production_refuses_to_start_without(name: str, production: pytest.MonkeyPatch) -> None:
    production.delenv(name)
    with pytest.raises(ImproperlyConfigured, match=f"{name}: production needs"):
        read_environment()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ORCHESTRA_SECRET_KEY", "short", "shorter than 50"),
        ("ORCHESTRA_ALLOWED_HOSTS", "*", "would answer to any name"),
        ("ORCHESTRA_ENCRYPTION_KEYS", f"{KEY},abc", "key 2 is not 32 bytes"),
        ("ORCHESTRA_WORKER_CONCURRENCY", "0", "ORCHESTRA_WORKER_CONCURRENCY: Input should be greater"),
        ("ORCHESTRA_PROFILE", "live", "ORCHESTRA_PROFILE: Input should be 'embedded' or 'production'"),
    ],
)
def test_a_wrong_value_is_refused_in_words(
    name: str, value: str, words: str, production: pytest.MonkeyPatch
) -> None:
    production.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=re.escape(words)):
        read_environment()


def test_a_refusal_does_not_print_the_secret(production: pytest.MonkeyPatch) -> None:
    production.setenv("ORCHESTRA_SECRET_KEY", "canary-secret")
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_environment()
    assert "canary" not in str(refusal.value)


def test_the_embedded_profile_needs_nothing() -> None:
    assert settings_module() == "orchestra_site.settings.dev"


def test_all_that_production_lacks_is_said_at_once() -> None:
    problems = production_problems(
        secret_key="", encryption_keys="", allowed_hosts=[], database_url="", redis_url=""
    )
    assert len(problems) == 5


@pytest.mark.parametrize("keys", [KEY, f"{KEY}, {KEY}"])
def test_encryption_keys_of_32_bytes_are_fine(keys: str) -> None:
    assert encryption_key_problems(keys) == []


@pytest.mark.parametrize("key", ["", "abc", "=" * 44, KEY + "A", "é"])
def test_other_encryption_keys_are_not(key: str) -> None:
    assert len(encryption_key_problems(key)) == 1


def test_a_relative_data_folder_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_DATA_DIR", "somewhere")
    assert read_environment().data_dir == Path.cwd() / "somewhere"


def test_a_database_address_is_taken_apart() -> None:
    settings = backends.database("postgresql://me:p%40ss@db:5433/orchestra?sslmode=require", Path("/x"))
    assert settings == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "orchestra",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db",
        "PORT": "5433",
        "OPTIONS": {"options": "-c lock_timeout=20s", "sslmode": "require"},
    }


def test_options_in_a_database_address_take_the_place_of_ours() -> None:
    settings = backends.database("postgresql://db/orchestra?options=", Path("/x"))
    assert settings["OPTIONS"] == {"options": ""}


@pytest.mark.parametrize("url", ["mysql://db/name", "postgresql://db", "orchestra.sqlite3"])
def test_another_database_address_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ORCHESTRA_DATABASE_URL must read"):
        backends.database(url, Path("/x"))


def test_without_an_address_the_database_is_a_file_that_threads_share() -> None:
    settings = backends.database("", Path("/x"))
    assert settings["NAME"] == Path("/x/orchestra.sqlite3")
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(("url", "kind"), [("", "InMemoryChannelLayer"), ("redis://r", "RetryingRedisLayer")])
def test_the_channel_layer_follows_redis(url: str, kind: str) -> None:
    assert backends.channel_layers(url)["default"]["BACKEND"].endswith(kind)


def test_passwords_in_addresses_are_known_as_secrets() -> None:
    assert backends.passwords_in("redis://:p%40ssword@r", "") == ["p%40ssword", "", "p@ssword", ""]


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret_key"
    secret = read_or_create(path, size=48)
    assert read_or_create(path, size=48) == secret
    assert len(base64.urlsafe_b64decode(secret)) == 48
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_data_folder_that_was_there_is_made_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert make_private(tmp_path).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_all_users_share_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert make_private(tmp_path).stat().st_mode & 0o7777 == 0o1777
    tmp_path.chmod(0o700)


def test_a_data_folder_that_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    assert not make_private(tmp_path / "new").exists()
