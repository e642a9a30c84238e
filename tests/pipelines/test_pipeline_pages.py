"""The pages of a team's pipelines: list, new, run; as they are read and used. Others are the library's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.selectors import run_figures
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run
from tests.support.definitions import stage
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


def test_a_pipeline_has_the_pages_of_the_library(owner: Membership, ana: Client) -> None:
    a_pipeline(owner)
    for path in ("support/versions/", "support/publish", "support/triggers/", "import"):
        assert "/pipelines/" in page(ana, path)
    answer = ana.post("/pipelines/import", {"text": written(name="other"), "import": "yes"}, follow=True)
    assert "Imported: other" in answer.content.decode()
