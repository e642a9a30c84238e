"""The pages of a team's pipelines: list, new, run, versions, publish, import; as they are read and used."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.library.selectors import run_figures
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run
from tests.support.definitions import document, stage
from tests.support.history import a_member, signed_in
from tests.support.pipelines import a_draft, a_pipeline, a_pipeline_run, written

pytestmark = pytest.mark.django_db

QUIET = stage("quiet", processor="transform")
BROKEN = stage("a", "nobody", processor="transform")


@pytest.fixture
def ana(owner: Membership) -> Client:
    return signed_in(owner)


def page(browser: Client, path: str, **sent: Json) -> str:
    answer = browser.post(f"/pipelines/{path}", sent) if sent else browser.get(f"/pipelines/{path}")
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def refused(answer: Any) -> str:  # noqa: ANN401  # of Django's test client
    assert answer.status_code == 422
    return str(answer.content.decode())


def test_the_list_says_what_is_published_and_how_its_runs_went(owner: Membership, ana: Client) -> None:
    a_pipeline(owner, title="Kind replies", description="Answers customers.")
    a_draft(owner, name="other")
    for status in ("succeeded", "failed", "cancelled", "succeeded"):
        Run.objects.filter(pk=a_pipeline_run(owner).pk).update(status=status, cost_usd="0.02")
    shown = page(ana, "")
    for words in ("Kind replies", "Answers customers.", ">v1<", "Not published", "67%", "$0.02", "Failed, "):
        assert words in shown
    assert "2 pipelines" in shown


def test_the_list_takes_few_queries_however_many_pipelines_there_are(
    owner: Membership, ana: Client, django_assert_max_num_queries: Json
) -> None:
    for number in range(12):
        a_pipeline(owner, name=f"number-{number}")
        a_pipeline_run(owner, f"number-{number}")
    with django_assert_max_num_queries(8):
        page(ana, "")


def test_the_figures_are_of_the_newest_hundred_runs(owner: Membership) -> None:
    a_pipeline(owner)
    runs = [a_pipeline_run(owner) for _ in range(3)]
    Run.objects.filter(pk__in=[run.pk for run in runs]).update(status="failed")
    again = {field.attname: getattr(runs[0], field.attname) for field in Run._meta.concrete_fields}
    later = again["created_at"] + timedelta(hours=1)
    again |= {"status": "succeeded", "created_at": later}
    Run.objects.bulk_create([Run(**again | {"id": uuid4()}) for _ in range(99)])
    figures = run_figures(owner, "pipeline", ["support", "nobody"])
    assert (figures["support"].runs, figures["support"].success, figures["nobody"].runs) == (100, 0.99, 0)


def test_nothing_yet_says_what_pipelines_are_and_viewers_are_offered_nothing(
    owner: Membership, ana: Client
) -> None:
    assert "Make the first pipeline" in page(ana, "")
    viewer = signed_in(a_member(Role.VIEWER, owner.team))
    assert "Make the first pipeline" not in page(viewer, "")
    a_pipeline(owner)
    assert "/pipelines/support/run" not in page(viewer, "")
    assert "restore" not in page(viewer, "support/versions/")


def test_a_new_pipeline_opens_and_a_name_that_is_taken_is_said_at_its_field(ana: Client) -> None:
    answer = ana.post("/pipelines/new", {"name": "support", "start": "blank"})
    assert (answer.status_code, answer["Location"]) == (302, "/pipelines/support/")
    again = refused(ana.post("/pipelines/new", {"name": "support", "start": "blank"}))
    assert "has a pipeline of this name" in again
    assert 'value="support"' in again


def test_a_run_is_started_with_an_input_and_its_page_is_opened(owner: Membership, ana: Client) -> None:
    add_simulated(membership=owner)
    fields = {"text": {"type": "string"}, "times": {"type": "integer"}}
    a_pipeline(owner, input={"schema": {"type": "object", "required": ["times"], "properties": fields}})
    sent = {"answer-1": "hello", "answer-2": "2", "version": "latest", "models": ["sim-sage"]}
    answer = ana.post("/pipelines/support/run", {**sent, "max_cost_usd": "0.5"})
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{run.pk}/")
    assert (run.request["input"], run.request["models"]) == ({"text": "hello", "times": 2}, ["sim-sage"])
    assert run.request["constraints"] == {"max_cost_usd": "0.5"}
    for wrong, words in (("x", "Enter a whole number"), ("", "Fill this in")):
        assert words in refused(ana.post("/pipelines/support/run", {**sent, "answer-2": wrong}))
    assert 'value="2"' in page(ana, f"support/run?from={run.pk}")


@pytest.mark.parametrize(
    ("schema", "written_as", "value"),
    [
        (None, "hello", "hello"),
        (None, '{"text": "hello"}', {"text": "hello"}),
        ({"type": "string"}, "{hello}", "{hello}"),
        (None, "[hello", "[hello"),
        ({"type": "array"}, "[1, 2]", [1, 2]),
    ],
)
def test_an_input_that_is_no_form_is_written_as_text_or_as_json(
    schema: Json, written_as: str, value: Json, owner: Membership, ana: Client
) -> None:
    passes = stage("passes", processor="transform", input={"from": "input"})
    a_pipeline(owner, passes, input={"schema": schema})
    ana.post("/pipelines/support/run", {"answer": written_as, "version": "draft"})
    assert Run.objects.get().request["input"] == value


def test_publishing_shows_what_differs_and_takes_a_note(owner: Membership, ana: Client) -> None:
    row = a_pipeline(owner)
    assert "Nothing has changed since version 1" in page(ana, "support/publish")
    SavedDefinition.objects.update(draft=written(QUIET))
    assert "Stage loud was removed" in page(ana, "support/publish")
    stale = ana.post("/pipelines/support/publish", {"note": "Quieter.", "based_on": "9"})
    assert "has saved this draft since" in refused(stale)
    ana.post("/pipelines/support/publish", {"note": "Quieter.", "based_on": "1"})
    assert [each.note for each in row.versions.all()] == ["Quieter.", ""]


def test_a_draft_with_problems_is_not_published_and_says_them(owner: Membership, ana: Client) -> None:
    a_draft(owner, BROKEN)
    for shown in (page(ana, "support/publish"), page(ana, "support/versions/")):
        assert "1 problem" in shown
        assert "<code>stages.a.needs[0]</code>" in shown
    refused(ana.post("/pipelines/support/publish", {"based_on": "1"}))
    assert not PublishedVersion.objects.exists()


def test_versions_say_what_differs_and_which_runs_used_them(owner: Membership, ana: Client) -> None:
    a_pipeline(owner)
    run = a_pipeline_run(owner)
    SavedDefinition.objects.update(draft=written(QUIET))
    ana.post("/pipelines/support/publish", {"note": "Quieter.", "based_on": "1"})
    shown = page(ana, "support/versions/")
    for words in ("Version 2", "Quieter.", "Stage loud was removed", f"/runs/{run.pk}/", "The first version"):
        assert words in shown
    assert "Stage quiet was removed" in page(ana, "support/versions/?old=2&new=1")
    assert "They mean the same" in page(ana, "support/versions/?old=2&new=draft")
    assert "cannot be read" in page(ana, "support/versions/?old=7&new=draft")


def test_a_version_is_restored_renamed_and_deleted(owner: Membership, ana: Client) -> None:
    row = a_pipeline(owner)
    SavedDefinition.objects.update(draft=written(QUIET))
    ana.post("/pipelines/support/versions/1/restore", {"based_on": "1"})
    row.refresh_from_db()
    assert "loud" in row.draft
    assert "begins with a small letter" in page_after(ana, "support/rename", name="No")
    assert "called replies now" in page_after(ana, "support/rename", name="replies")
    assert "was deleted" in page_after(ana, "replies/delete")


def page_after(browser: Client, path: str, **sent: Json) -> str:
    """Return the page that a button leads to."""
    return browser.post(f"/pipelines/{path}", sent, follow=True).content.decode()


def test_an_import_is_checked_first_and_then_done(ana: Client) -> None:
    text = json.dumps([document(QUIET), {"name": "wrong"}, document(BROKEN, name="other")])
    shown = page(ana, "import", text=text)
    for words in ("becomes a new pipeline", "cannot be imported", "It cannot be published before"):
        assert words in shown
    assert "Nothing was imported" in refused(ana.post("/pipelines/import", {"text": text, "import": "yes"}))
    file = SimpleUploadedFile("one.yaml", b"# by hand\n" + written(QUIET).encode())
    assert "# by hand" in page(ana, "import", file=file)
    assert "Imported: support" in page_after(ana, "import", text=written(QUIET), **{"import": "yes"})


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"text": " "}, "Paste a definition"),
        ({"text": "a: ["}, "Line 2"),
        ({"file": SimpleUploadedFile("a", b"\xff")}, "no text in UTF-8"),
        ({"file": SimpleUploadedFile("a", b" " * 4_000_001)}, "too large"),
    ],
)
def test_what_cannot_be_imported_is_said(sent: Json, words: str, ana: Client) -> None:
    assert words in refused(ana.post("/pipelines/import", sent))


def test_versions_and_the_draft_are_exported(owner: Membership, ana: Client) -> None:
    a_pipeline(owner)
    SavedDefinition.objects.update(draft="# mine\n" + written(QUIET))
    assert page(ana, "support/export.yaml?version=draft").startswith("# mine")
    assert json.loads(page(ana, "support/export.json?version=draft"))["stages"][0]["id"] == "quiet"
    assert json.loads(page(ana, "support/export.json"))["stages"][0]["id"] == "loud"
    SavedDefinition.objects.update(draft="a: [")
    for path in ("export.json?version=draft", "export.yaml?version=2"):
        assert ana.get(f"/pipelines/support/{path}").status_code in {200, 404}
    assert ana.get("/pipelines/support/export.yaml?version=2").status_code == 404
