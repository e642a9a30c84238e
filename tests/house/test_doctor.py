"""`manage.py doctor` finds what is wrong and says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from channels.layers import channel_layers
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler
from pytest_django import Settings

from orchestra_site.management.checks import (
    BUILT_IN,
    broker,
    channel_layer,
    configuration,
    database_findings,
    folder_findings,
    misspelled,
    sqlite_findings,
    wal_finding,
)
from orchestra_site.management.commands.doctor import as_json, as_text, is_failed
from orchestra_site.settings import backends
from orchestra_site.web.health import HealthFinding, Severity, fail, ok, warn
from tests.support.redis_server import needs_redis, running_redis

CLOSED_PORT = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    with running_redis(tmp_path) as server:
        yield server.url


@pytest.fixture(autouse=True)
def _fresh_layers() -> Iterator[None]:
    yield
    channel_layers.backends.clear()


def levels(findings: list[HealthFinding]) -> list[Severity]:
    return [finding.level for finding in findings]


@pytest.mark.django_db
def test_a_whole_installation_has_no_fail() -> None:
    out = StringIO()
    call_command("doctor", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["ok"]
    assert {found["check"] for found in report["findings"]} >= BUILT_IN.keys()


@pytest.mark.django_db
def test_lines_name_the_check_and_its_level() -> None:
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "Channel layer\n  ok    Live pages are notified inside the process" in out.getvalue()


@pytest.mark.django_db
def test_a_fail_ends_with_exit_code_1(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = CLOSED_PORT
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", stdout=StringIO())


def test_advice_stands_under_its_finding() -> None:
    findings = [
        ("disk", ok("there")),
        ("disk", warn("full", "make room")),
        ("net", fail("down", "plug it in")),
    ]
    assert as_text(findings) == (
        "Disk\n  ok    there\n  warn  full\n        make room\nNet\n  fail  down\n        plug it in"
    )
    assert is_failed(findings)
    assert not is_failed(findings[:2])
    assert json.loads(as_json(findings[1:2])) == {
        "ok": True,
        "findings": [{"check": "disk", "level": "warn", "sentence": "full", "advice": "make room"}],
    }


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), Severity.WARN),
        ((3, 44, 6), Severity.OK),
        ((3, 45, 0), Severity.WARN),
        ((3, 50, 6), Severity.WARN),
        ((3, 50, 7), Severity.OK),
        ((3, 51, 2), Severity.WARN),
        ((3, 51, 3), Severity.OK),
        ((4, 0, 0), Severity.OK),
    ],
)
def test_sqlite_with_the_wal_fault_is_named(version: tuple[int, int, int], level: Severity) -> None:
    assert wal_finding(version).level is level


@pytest.mark.django_db
def test_the_test_database_is_sound_and_migrated() -> None:
    assert Severity.FAIL not in levels(list(BUILT_IN["database"]()))


def test_a_damaged_database_is_a_fail_and_another_journal_mode_a_warning() -> None:
    findings = list(sqlite_findings(mode="delete", sound="row 1 missing from index"))
    assert levels(findings) == [Severity.WARN, Severity.FAIL]
    assert "row 1 missing" in findings[1].sentence


@pytest.mark.django_db
def test_a_database_that_is_down_is_a_fail() -> None:
    unreachable = ConnectionHandler({"default": backends.database("postgresql://127.0.0.1:1/x", Path())})
    assert levels(list(database_findings(unreachable["default"]))) == [Severity.FAIL]


@pytest.mark.django_db
def test_migrations_that_are_not_applied_are_a_fail() -> None:
    MigrationRecorder.Migration.objects.filter(app="runs").delete()
    assert any(
        "not applied" in found.sentence for found in BUILT_IN["database"]() if found.level is Severity.FAIL
    )


def test_a_misspelled_variable_is_named_with_the_right_one() -> None:
    (finding,) = misspelled(["ORCHESTRA_LOGLEVEL", "ORCHESTRA_LOG_LEVEL", "PATH"])
    assert finding == warn(
        "ORCHESTRA_LOGLEVEL is not a setting and has no effect.", "Did you mean ORCHESTRA_LOG_LEVEL?"
    )


def test_debug_is_a_fail(settings: Settings) -> None:
    settings.DEBUG = True
    assert Severity.FAIL in levels(list(configuration()))


def test_production_without_a_trusted_proxy_is_warned_about(settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"profile": "production"})
    assert Severity.WARN in levels(list(configuration()))


def test_a_closed_folder_with_closed_secrets_is_fine(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "secret_key").touch(mode=0o600)
    assert levels(list(folder_findings(tmp_path, least_free=0))) == [Severity.OK]


def test_what_others_can_read_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "secret_key").touch(mode=0o644)
    assert levels(list(folder_findings(tmp_path, least_free=10**18))) == [
        Severity.WARN,
        Severity.FAIL,
        Severity.WARN,
    ]


def test_a_missing_data_folder_is_a_fail(tmp_path: Path) -> None:
    assert levels(list(folder_findings(tmp_path / "gone", least_free=0))) == [Severity.FAIL]


def test_a_broker_that_is_down_is_a_fail(settings: Settings) -> None:
    settings.CELERY_BROKER_URL = CLOSED_PORT
    assert levels(list(broker())) == [Severity.FAIL]


def test_a_channel_layer_that_is_down_is_a_fail(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = backends.channel_layers(CLOSED_PORT)
    channel_layers.backends.clear()
    assert levels(list(channel_layer())) == [Severity.FAIL]


@needs_redis
def test_redis_answers_as_broker_and_as_layer_and_nobody_works_yet(settings: Settings, redis: str) -> None:
    settings.CELERY_BROKER_URL = redis
    settings.CHANNEL_LAYERS = backends.channel_layers(redis)
    channel_layers.backends.clear()
    assert levels(list(broker())) == [Severity.OK, Severity.WARN]
    assert levels(list(channel_layer())) == [Severity.OK]
