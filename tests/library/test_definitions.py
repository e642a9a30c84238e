"""Drafts, versions, names: what can be saved, published, restored, renamed, deleted, and what is refused."""

from __future__ import annotations

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestra_site.accounts.parts.audit import sentence
from orchestration.library.kinds import NewestVersions, definition_kind
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import (
    DraftConflict,
    InvalidDefinition,
    create_definition,
    delete,
    publish,
    rename,
    restore,
    save_draft,
)
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.models import Run
from tests.support.history import a_member
from tests.support.pipelines import a_draft
from tests.support.recipes import (
    RECIPES,
    a_recipe,
    a_recipe_draft,
    a_recipe_run,
    changed,
    published,
    recipe_text,
)

pytestmark = pytest.mark.django_db

WITH_COMMENT = "# of Ana\nname: soup  # short\nversion: 1\nsteps: [cut]\n"


def said(member: Membership) -> str:
    return sentence(AuditEntry.objects.visible_to(member).latest("id"))


def test_a_draft_is_kept_as_it_was_written_whatever_is_wrong_with_it(owner: Membership) -> None:
    row = create_definition(membership=owner, kind=RECIPES, name="soup")
    for text in (WITH_COMMENT, "name: [", "", "5", recipe_text("", title="Kind soup")):
        row = changed(owner, row, text)
        assert row.draft == text
    assert (row.title, row.draft_number, row.draft_saved_by) == ("Kind soup", 6, owner.user)


def test_a_new_definition_is_tried_on_the_example_that_it_gives(owner: Membership) -> None:
    row = create_definition(membership=owner, kind=RECIPES, name="soup", text=recipe_text(example=4))
    assert (row.sample, create_definition(membership=owner, kind=RECIPES, name="tea").sample) == (4, None)


def test_a_draft_that_somebody_else_saved_since_is_not_overwritten(owner: Membership) -> None:
    row = a_recipe_draft(owner)
    changed(owner, row, "name: theirs")
    with pytest.raises(DraftConflict, match="has saved this draft since") as refused:
        save_draft(membership=owner, definition=row, text="name: mine", based_on=1)
    assert refused.value.theirs.draft == "name: theirs"
    save_draft(membership=owner, definition=row, text="name: theirs", based_on=1)


def test_a_draft_that_is_too_long_is_refused(owner: Membership) -> None:
    with pytest.raises(InvalidRequest, match="at most 1,000,000 characters"):
        changed(owner, a_recipe_draft(owner), "x" * 1_000_001)


@pytest.mark.parametrize("name", ["", "Soup", "1st", "a" * 41, "a b", "soup"])
def test_a_name_that_cannot_be_used_or_is_taken_is_refused(name: str, owner: Membership) -> None:
    a_recipe_draft(owner)
    a_draft(owner, name="tea")  # a pipeline may have the name of a recipe
    assert create_definition(membership=owner, kind=RECIPES, name="tea").name == "tea"
    with pytest.raises(InvalidRequest) as refused:
        create_definition(membership=owner, kind=RECIPES, name=name)
    assert refused.value.field == "name"


def test_versions_are_numbered_and_say_who_published_what(owner: Membership) -> None:
    row = a_recipe_draft(owner)
    assert published(owner, row).number == 1
    changed(owner, row, recipe_text("boil"))
    assert published(owner, row, "Quieter.").number == 2
    assert "published version" in said(owner)
    assert "Quieter." in said(owner)


def test_what_has_problems_cannot_be_published(owner: Membership) -> None:
    row = a_recipe_draft(owner, "", uses=["recipe/stock"])
    with pytest.raises(InvalidDefinition, match=r"2 problems.*uses: There is no recipe/stock") as refused:
        published(owner, row)
    assert [problem.path for problem in refused.value.problems] == ["uses", "steps"]


def test_what_has_not_changed_is_not_published_again(owner: Membership) -> None:
    row = a_recipe(owner)
    changed(owner, row, row.draft + "# a comment\n")
    with pytest.raises(InvalidRequest, match="Nothing has changed since version 1"):
        published(owner, row)


def test_only_what_the_member_saw_is_published(owner: Membership) -> None:
    row = a_recipe_draft(owner)
    changed(owner, row, WITH_COMMENT)
    with pytest.raises(DraftConflict):
        publish(membership=owner, definition=row, based_on=1)


def test_a_restored_version_is_the_draft_and_the_next_version_says_where_it_is_from(
    owner: Membership,
) -> None:
    row = a_recipe(owner)
    changed(owner, row, recipe_text("fry"))
    published(owner, row)
    row.refresh_from_db()
    restore(membership=owner, definition=row, number=1, based_on=row.draft_number)
    assert published(owner, row).restored_from == 1
    with pytest.raises(InvalidRequest, match="no version 9"):
        restore(membership=owner, definition=row, number=9, based_on=row.draft_number)


def test_a_new_name_stands_in_the_draft_with_its_comments_and_its_runs_follow(owner: Membership) -> None:
    row = a_recipe(owner)
    run = a_recipe_run(owner)
    changed(owner, row, WITH_COMMENT)
    row = rename(membership=owner, definition=row, name="stew")
    assert row.draft == WITH_COMMENT.replace("soup  # short", "stew")
    run.refresh_from_db()
    assert (run.ref, list(NewestVersions(RECIPES, owner))) == ("stew", ["stew"])
    assert not RECIPES.read(row.draft, NewestVersions(RECIPES, owner), name="stew").problems


@pytest.mark.parametrize("text", ["{name: soup, steps: []}", "name: [", "steps: []"])
def test_a_draft_is_renamed_however_it_is_written(text: str, owner: Membership) -> None:
    row = changed(owner, a_recipe_draft(owner), text)
    row = rename(membership=owner, definition=row, name="stew")
    assert "soup" not in row.draft


def test_another_name_in_the_text_is_a_problem(owner: Membership) -> None:
    [problem] = RECIPES.read(WITH_COMMENT, NewestVersions(RECIPES, owner), name="stew").problems
    assert (problem.path, "is called “stew”" in problem.message) == ("name", True)


@pytest.mark.parametrize("publishes", [True, False])
def test_what_others_contain_is_neither_renamed_nor_deleted(publishes: bool, owner: Membership) -> None:  # noqa: FBT001
    row = a_recipe(owner)
    (a_recipe if publishes else a_recipe_draft)(owner, name="dinner", uses=["recipe/soup"])
    with pytest.raises(InvalidRequest, match="while others contain it: dinner"):
        rename(membership=owner, definition=row, name="stew")
    with pytest.raises(InvalidRequest, match="while others contain it: dinner"):
        delete(membership=owner, definition=row)


def test_definitions_of_other_kinds_may_contain_one(owner: Membership) -> None:
    pipeline, _ = a_draft(owner, name="tea"), a_recipe(owner, uses=["pipeline/tea"])
    with pytest.raises(InvalidRequest, match="while others contain it: soup"):
        delete(membership=owner, definition=pipeline)
    delete(membership=owner, definition=a_recipe(owner, name="tea"))


def test_a_definition_is_deleted_once_no_run_goes_on_and_its_runs_stay(owner: Membership) -> None:
    row = a_recipe(owner)
    a_recipe_run(owner)
    with pytest.raises(InvalidRequest, match="still goes on"):
        delete(membership=owner, definition=row)
    Run.objects.update(status="succeeded")
    delete(membership=owner, definition=row)
    assert (SavedDefinition.objects.count(), Run.objects.count()) == (0, 1)
    assert "deleted the recipe" not in said(owner)
    with pytest.raises(InvalidRequest, match="deleted in the meantime"):
        delete(membership=owner, definition=row)


def test_nobody_changes_the_definitions_of_another_team(owner: Membership) -> None:
    row, stranger = a_recipe_draft(owner), a_member()
    with pytest.raises(InvalidRequest, match="deleted in the meantime"):
        save_draft(membership=stranger, definition=row, text="", based_on=1)
    assert list(NewestVersions(RECIPES, stranger)) == []


def test_a_text_that_cannot_be_read_says_where() -> None:
    found = RECIPES.read("a: [", {})
    assert (found.definition, found.position, "Line 2" in found.problems[0].message) == (None, 4, True)


def test_a_kind_that_no_app_brings_is_refused_in_words() -> None:
    with pytest.raises(InvalidRequest, match="no definitions of the kind 'dream'"):
        definition_kind("dream")
