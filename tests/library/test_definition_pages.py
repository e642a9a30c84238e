"""The pages that definitions of every kind have: versions, publishing, restoring, names, import, export."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from tests.support.history import a_member, signed_in
from tests.support.pipelines import a_pipeline
from tests.support.recipes import a_recipe, a_recipe_draft, a_recipe_run, recipe_text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.recipe_urls")]


@pytest.fixture
def ana(owner: Membership) -> Client:
    return signed_in(owner)


def page(browser: Client, path: str, **sent: Json) -> str:
    answer = browser.post(f"/recipes/{path}", sent) if sent else browser.get(f"/recipes/{path}")
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def page_after(browser: Client, path: str, **sent: Json) -> str:
    """Return the page that a button leads to."""
    return browser.post(f"/recipes/{path}", sent, follow=True).content.decode()


def refused(answer: Any) -> str:  # noqa: ANN401  # of Django's test client
    assert answer.status_code == 422
    return str(answer.content.decode())


def test_publishing_shows_what_differs_and_takes_a_note(owner: Membership, ana: Client) -> None:
    row = a_recipe(owner)
    assert "Nothing has changed since version 1" in page(ana, "soup/publish")
    SavedDefinition.objects.update(draft=recipe_text("cut", "boil"))
    assert "Step cook was removed" in page(ana, "soup/publish")
    stale = ana.post("/recipes/soup/publish", {"note": "Milder.", "based_on": "9"})
    assert "has saved this draft since" in refused(stale)
    ana.post("/recipes/soup/publish", {"note": "Milder.", "based_on": "1"})
    assert [each.note for each in row.versions.all()] == ["Milder.", ""]


def test_a_draft_with_problems_is_not_published_and_says_them(owner: Membership, ana: Client) -> None:
    a_recipe_draft(owner, uses=["recipe/stock"])
    for shown in (page(ana, "soup/publish"), page(ana, "soup/versions/")):
        assert "1 problem" in shown
        assert "<code>uses</code>" in shown
    refused(ana.post("/recipes/soup/publish", {"based_on": "1"}))
    assert not PublishedVersion.objects.exists()


def test_versions_say_what_differs_and_which_runs_used_them(owner: Membership, ana: Client) -> None:
    a_recipe(owner)
    run = a_recipe_run(owner)
    SavedDefinition.objects.update(draft=recipe_text("cut", "boil"))
    ana.post("/recipes/soup/publish", {"note": "Milder.", "based_on": "1"})
    shown = page(ana, "soup/versions/")
    for words in ("Version 2", "Milder.", "Step cook was removed", f"/runs/{run.pk}/", "The first version"):
        assert words in shown
    assert "Step boil was removed" in page(ana, "soup/versions/?old=2&new=1")
    assert "They mean the same" in page(ana, "soup/versions/?old=2&new=draft")
    assert "cannot be read" in page(ana, "soup/versions/?old=7&new=draft")


def test_the_words_and_addresses_are_those_of_the_kind(owner: Membership, ana: Client) -> None:
    a_pipeline(owner, name="soup")
    a_recipe(owner)
    for path in ("soup/versions/", "soup/publish", "soup/triggers/", "import"):
        shown = page(ana, path).partition("<main")[2].partition("</main>")[0]
        assert "pipeline" not in shown.lower()
        assert 'href="/recipes/">Recipes</a>' in shown
    assert "becomes a new recipe" in page(ana, "import", text=recipe_text(name="stew"))


@pytest.mark.parametrize("seen", [{"based_on": "1"}, {"based_on": "x"}, {}])
def test_restoring_is_refused_where_the_draft_is_another_than_was_seen(
    seen: dict[str, str], owner: Membership, ana: Client
) -> None:
    row = a_recipe(owner)
    SavedDefinition.objects.update(draft=recipe_text("boil"), draft_number=2)
    shown = refused(ana.post("/recipes/soup/versions/1/restore", seen))
    assert "has saved this draft since you opened it" in shown
    assert 'name="based_on" value="2"' in shown
    row.refresh_from_db()
    assert "boil" in row.draft


def test_a_version_is_made_the_draft_again(owner: Membership, ana: Client) -> None:
    row = a_recipe(owner)
    SavedDefinition.objects.update(draft=recipe_text("boil"), draft_number=2)
    assert 'name="based_on" value="2"' in page(ana, "soup/versions/")
    assert "The draft is version 1 again" in page_after(ana, "soup/versions/1/restore", based_on="2")
    row.refresh_from_db()
    assert "cook" in row.draft
    assert ana.post("/recipes/soup/versions/7/restore", {"based_on": "3"}).status_code == 404


def test_a_definition_is_renamed_and_deleted_by_who_may_configure(owner: Membership, ana: Client) -> None:
    a_recipe(owner)
    operator = signed_in(a_member(Role.OPERATOR, owner.team))
    assert [operator.post(f"/recipes/soup/{do}").status_code for do in ("rename", "delete")] == [403, 403]
    assert "begins with a small letter" in page_after(ana, "soup/rename", name="No")
    assert "called stew now" in page_after(ana, "soup/rename", name="stew")
    a_recipe_run(owner, "stew")
    assert "still goes on" in page_after(ana, "stew/delete")
    Run.objects.update(status="succeeded")
    assert "The page of all recipes." in page_after(ana, "stew/delete")
    assert not SavedDefinition.objects.exists()


def test_viewers_look_and_strangers_find_nothing(owner: Membership) -> None:
    a_recipe(owner)
    viewer, stranger = signed_in(a_member(Role.VIEWER, owner.team)), signed_in(a_member(Role.OWNER))
    shown = page(viewer, "soup/versions/")
    assert ("restore" in shown, "rename" in shown, "publish" in shown) == (False, False, False)
    paths = ("versions/", "publish", "export.yaml", "triggers/")
    assert {stranger.get(f"/recipes/soup/{path}").status_code for path in paths} == {404}
    assert stranger.post("/recipes/soup/versions/1/restore", {"based_on": "1"}).status_code == 404


def test_an_import_is_checked_first_and_then_done(ana: Client) -> None:
    lacking = {"name": "stew", "version": 1, "steps": [], "uses": ["recipe/stock"]}
    text = json.dumps([{"name": "old", "steps": "cut"}, {"name": "wrong", "steps": 5}, lacking])
    shown = page(ana, "import", text=text)
    for words in (
        "becomes a new recipe",
        "cannot be imported",
        "is brought up to date",
        "It cannot be published",
    ):
        assert words in shown
    assert 'name="import"' not in shown
    assert "Nothing was imported" in refused(ana.post("/recipes/import", {"text": text, "import": "yes"}))
    file = SimpleUploadedFile("one.yaml", b"# by hand\n" + recipe_text().encode())
    assert "# by hand" in page(ana, "import", file=file)
    page_after(ana, "import", text=recipe_text(), **{"import": "yes"})
    assert SavedDefinition.objects.get().kind == "recipe"


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
    assert words in refused(ana.post("/recipes/import", sent))


def test_versions_and_the_draft_are_exported(owner: Membership, ana: Client) -> None:
    a_recipe(owner)
    SavedDefinition.objects.update(draft="# mine\n" + recipe_text("boil"))
    assert page(ana, "soup/export.yaml?version=draft").startswith("# mine")
    assert json.loads(page(ana, "soup/export.json?version=draft"))["steps"] == ["boil"]
    assert json.loads(page(ana, "soup/export.json"))["steps"] == ["cut", "cook"]
    SavedDefinition.objects.update(draft="a: [")
    assert page(ana, "soup/export.yaml?version=draft") == "a: ["
    for path in ("export.json?version=draft", "export.yaml?version=2", "export.yaml?version=x"):
        assert ana.get(f"/recipes/soup/{path}").status_code == 404
