"""What doctor says about providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import Team
from orchestra_site.web.health import Severity, registered_checks
from orchestration.llm.models import Provider, ProviderKind
from orchestration.llm.services.checking import provider_findings
from orchestration.llm.services.credentials import seal_secret
from orchestration.llm.services.provider_kinds import recording_file
from tests.support.provider_process import ProviderProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[ProviderProcess]:
    process = ProviderProcess()
    yield process
    process.stop()


def remote(team: Team, base_url: str) -> Provider:
    return Provider.objects.create(
        team=team, name="local", kind=ProviderKind.OPENAI_COMPATIBLE, base_url=base_url
    )


def said() -> list[tuple[Severity, str]]:
    return [(found.level, found.sentence) for found in provider_findings()]


def test_doctor_knows_of_the_providers() -> None:
    assert registered_checks()["providers"] is provider_findings


def test_without_providers_nothing_can_be_asked() -> None:
    assert said() == [(Severity.WARN, "No provider is enabled: nothing can be asked.")]


def test_simulated_models_need_nothing(team: Team) -> None:
    Provider.objects.create(team=team, name="Simulated", kind=ProviderKind.SIMULATED)
    assert said() == [(Severity.OK, "The simulated models need nothing.")]


def test_a_recording_is_looked_for(team: Team) -> None:
    provider = Provider.objects.create(team=team, name="Old", kind=ProviderKind.RECORDED)
    missing = "The recording of Old (Ravens) is not in this machine's data folder."
    assert said() == [(Severity.WARN, missing)]
    recording_file(provider.id).write_bytes(b"")
    assert said() == [(Severity.OK, "The recording of Old (Ravens) is there.")]


def test_a_provider_that_answers_is_fine(team: Team, server: ProviderProcess) -> None:
    remote(team, server.base_url)
    ((level, sentence),) = said()
    assert level is Severity.OK, sentence
    assert sentence.startswith("local (Ravens) answers and lists ")


def test_a_provider_that_is_down_is_a_warning_with_the_reason(team: Team) -> None:
    remote(team, "http://127.0.0.1:1/v1")
    ((level, sentence),) = said()
    assert level is Severity.WARN
    assert "127.0.0.1:1" in sentence


def test_an_address_that_the_guard_refuses_is_a_warning(team: Team) -> None:
    remote(team, "http://10.0.0.1/v1")
    assert [level for level, _ in said()] == [Severity.WARN]


def test_a_key_that_cannot_be_read_is_a_fail(team: Team) -> None:
    provider = remote(team, "http://127.0.0.1:1/v1")
    elsewhere = Provider(team=team, base_url=provider.base_url)
    provider.secret = seal_secret(elsewhere, "sk-of-another-row")
    provider.save()
    ((level, sentence),) = said()
    assert level is Severity.FAIL
    assert "cannot be read" in sentence
