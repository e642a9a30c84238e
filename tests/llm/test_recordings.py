"""Recordings as providers: kept whole or not at all, replayed in runs, gone with their provider."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestration.llm.engine.errors import InvalidRequest, ModelUnavailable
from orchestration.llm.models import Provider
from orchestration.llm.providers.recorded.loading import BrokenRecording
from orchestration.llm.providers.recorded.model import CACHED_RECORDINGS, RecordingCache
from orchestration.llm.selectors import usable_models
from orchestration.llm.services.checking import model_question, remote_models, run_model_test
from orchestration.llm.services.provider_kinds import offered_folder, recording_file, recordings_folder
from orchestration.llm.services.registry.models import NewModel, add_models, suggest_model
from orchestration.llm.services.registry.providers import (
    connect_offered,
    connect_recording,
    delete_provider,
    offered_recordings,
    set_secret,
    update_provider,
)
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.strategies.forms.panel import default_panel
from tests.support.recordings import lines, packed, recorded, written

pytestmark = pytest.mark.django_db
LINES = lines("7 7 3", "7 1 2")


def connect(owner: Membership, data: bytes = packed(LINES), name: str = "Old answers") -> Provider:
    chunks = [data[:50], data[50:]]
    return connect_recording(membership=owner, name=name, source="old.jsonl", chunks=chunks)


def kept() -> set[Path]:
    return {path for path in recordings_folder().iterdir() if path.is_file()}


def test_a_recording_is_kept_for_this_user_alone_under_a_name_of_ours(owner: Membership) -> None:
    provider = connect(owner)
    path = recording_file(provider.id)
    assert path.is_relative_to(settings.DATA_DIR)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after["recording"]) == ("provider.connected", "old.jsonl")


@pytest.mark.parametrize(
    ("data", "name", "field"),
    [
        (b"{}", "Old", "file"),
        (gzip.compress(packed(LINES), mtime=0)[:-9], "Old", "file"),
        (b"", "Old", "file"),
        (packed(LINES), " ", "name"),
        (packed(LINES), "Taken", "name"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(owner: Membership, data: bytes, name: str, field: str) -> None:
    connect(owner, name="Taken")
    before = kept()
    with pytest.raises(InvalidRequest) as caught:
        connect(owner, data, name)
    assert caught.value.field == field
    assert kept() == before
    assert Provider.objects.count() == AuditEntry.objects.count() == 1


def test_a_file_that_is_too_large_is_not_read_to_its_end(owner: Membership) -> None:
    taken = []

    def endless() -> object:
        while True:
            taken.append(1)
            yield b"x" * 8_000_000

    with pytest.raises(InvalidRequest, match="larger than 64,000,000 bytes"):
        connect_recording(membership=owner, name="Big", source="big.jsonl", chunks=endless())  # type: ignore[arg-type]
    assert len(taken) == 9


def test_its_models_are_listed_added_and_answer_what_was_recorded(owner: Membership) -> None:
    provider = connect(owner)
    listed = remote_models(provider)
    assert [remote.id for remote in listed] == ["ada", "bob", "cyd"]
    [model] = add_models(membership=owner, provider=provider, models=[suggest_model(listed[0])])
    assert model_question(model) == "What is the number of stones in bag 0?"
    result = run_model_test(model)
    assert (result.answer, result.error) == ("The answer is 7.", "")
    assert result.tokens == 30


def test_no_first_panel_holds_models_that_only_know_recorded_questions(owner: Membership) -> None:
    add(owner, connect(owner), "ada")
    add_simulated(membership=owner)
    panel = default_panel(usable_models(owner))
    assert panel
    assert "ada" not in panel


def add(owner: Membership, provider: Provider, name: str) -> None:
    add_models(membership=owner, provider=provider, models=[NewModel(remote_name=name, name=name)])


@pytest.mark.django_db(transaction=True)
def test_a_recording_goes_with_its_provider(owner: Membership) -> None:
    provider = connect(owner)
    add(owner, provider, "ada")
    model = provider.language_models.get()
    assert run_model_test(model).answer
    path = recording_file(provider.id)
    path.unlink()
    assert run_model_test(model).answer, "it is remembered while it is in use"
    delete_provider(membership=owner, provider=provider)
    assert not path.exists()


def test_a_recording_that_is_lost_says_so(owner: Membership) -> None:
    provider = connect(owner)
    add(owner, provider, "ada")
    recording_file(provider.id).unlink()
    model = provider.language_models.get()
    assert "not in this machine's data folder any more" in run_model_test(model).error
    assert model_question(model) == "What is 17% of 2,300?"


def test_a_recording_has_neither_address_nor_key(owner: Membership) -> None:
    provider = connect(owner)
    with pytest.raises(InvalidRequest, match="neither address nor key"):
        set_secret(membership=owner, provider=provider, api_key="sk-something")
    renamed = update_provider(membership=owner, provider=provider, name="Older")
    assert (renamed.name, renamed.base_url) == ("Older", "")


@pytest.fixture
def offered() -> Iterator[tuple[str, str, str]]:
    """The names of files in the operator's folder: a recording, a broken one, and one that is none."""
    offered_folder().mkdir(exist_ok=True)
    names = (f"{uuid4()}.jsonl.gz", f"{uuid4()}.jsonl", f"{uuid4()}.txt")
    written(offered_folder() / names[0], LINES)
    for name in names[1:]:
        (offered_folder() / name).write_bytes(b"{}")
    yield names
    for name in names:
        (offered_folder() / name).unlink()


def test_what_the_operator_offers_can_be_chosen_by_name_alone(
    owner: Membership, offered: tuple[str, str, str]
) -> None:
    good, bad, other = offered
    assert {good, bad} <= set(offered_recordings())
    assert other not in offered_recordings()
    provider = connect_offered(membership=owner, name="Offered", offered=good)
    assert len(remote_models(provider)) == 3
    for name, error in ((bad, BrokenRecording), ("../secret_key", InvalidRequest)):
        with pytest.raises(error) as caught:
            connect_offered(membership=owner, name="Other", offered=name)
        assert caught.value.field == "offered"


def test_the_cache_keeps_the_last_recordings_and_reports_broken_files(tmp_path: Path) -> None:
    cache = RecordingCache()
    paths = [written(tmp_path / f"{number}.jsonl", LINES) for number in range(CACHED_RECORDINGS + 1)]
    first = cache.get(paths[0])
    assert cache.get(paths[0]) is first
    assert first.models == recorded(LINES).recording.models
    for path in paths[1:]:
        cache.get(path)
    assert cache.get(paths[0]) is not first
    paths[0].write_bytes(b"{}")
    cache.drop(paths[0])
    with pytest.raises(ModelUnavailable, match="cannot be used"):
        cache.get(paths[0])
