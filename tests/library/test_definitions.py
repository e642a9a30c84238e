"""Drafts, versions, names: what can be saved, published, restored, renamed, deleted, and what is refused."""

from __future__ import annotations

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestra_site.accounts.parts.audit import sentence
from orchestration.library.models import PublishedVersion, SavedDefinition
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
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from pipelines.selectors import PIPELINES, TeamPipelines
from tests.support.definitions import stage
from tests.support.history import a_member
from tests.support.pipelines import a_draft, a_pipeline, a_pipeline_run, written

pytestmark = pytest.mark.django_db

WITH_COMMENT = "# of Ana\nname: support  # short\nstages:\n  - id: loud\n    processor: transform\n"
INNER = stage("inner", processor="pipeline", options={"name": "support"})


def change(member: Membership, row: SavedDefinition, text: str) -> SavedDefinition:
    row.refresh_from_db()
    return save_draft(membership=member, definition=row, text=text, based_on=row.draft_number)


def published(member: Membership, row: SavedDefinition, note: str = "") -> PublishedVersion:
    row.refresh_from_db()
    return publish(membership=member, definition=row, based_on=row.draft_number, note=note)


def said(member: Membership) -> str:
    return sentence(AuditEntry.objects.visible_to(member).latest("id"))


def test_a_draft_is_kept_as_it_was_written_whatever_is_wrong_with_it(owner: Membership) -> None:
    row = create_definition(membership=owner, kind=PIPELINES, name="support")
    for text in (WITH_COMMENT, "name: [", "", "5", written(stage("a", "b"), title="Kind replies")):
        row = change(owner, row, text)
        assert row.draft == text
    assert (row.title, row.draft_number, row.draft_saved_by) == ("Kind replies", 6, owner.user)


@pytest.mark.parametrize(
    ("declared", "sample"),
    [
        ({"schema": {"examples": [{"text": "hi"}, 5]}}, {"text": "hi"}),
        ({"schema": {"examples": []}}, None),
        (5, None),
    ],
)
def test_a_new_pipeline_is_tried_on_the_first_example_of_its_input(
    declared: Json, sample: Json, owner: Membership
) -> None:
    text = written(input=declared)
    assert create_definition(membership=owner, kind=PIPELINES, name="support", text=text).sample == sample


def test_a_draft_that_somebody_else_saved_since_is_not_overwritten(owner: Membership) -> None:
    row = a_draft(owner)
    change(owner, row, "name: theirs")
    with pytest.raises(DraftConflict, match="has saved this draft since") as refused:
        save_draft(membership=owner, definition=row, text="name: mine", based_on=1)
    assert refused.value.theirs.draft == "name: theirs"
    save_draft(membership=owner, definition=row, text="name: theirs", based_on=1)


def test_a_draft_that_is_too_long_is_refused(owner: Membership) -> None:
    with pytest.raises(InvalidRequest, match="at most 1,000,000 characters"):
        change(owner, a_draft(owner), "x" * 1_000_001)


@pytest.mark.parametrize("name", ["", "Support", "1st", "a" * 41, "a b", "support"])
def test_a_name_that_cannot_be_used_or_is_taken_is_refused(name: str, owner: Membership) -> None:
    a_draft(owner)
    with pytest.raises(InvalidRequest) as refused:
        create_definition(membership=owner, kind=PIPELINES, name=name)
    assert refused.value.field == "name"


def test_versions_are_numbered_and_say_who_published_what(owner: Membership) -> None:
    row = a_draft(owner)
    assert published(owner, row).number == 1
    change(owner, row, written(stage("quiet", processor="transform")))
    assert published(owner, row, "Quieter.").number == 2
    assert "published version" in said(owner)
    assert "Quieter." in said(owner)


def test_what_has_problems_cannot_be_published(owner: Membership) -> None:
    row = a_draft(owner, stage("a", "nobody", processor="transform"), stage("b", processor="magic"))
    with pytest.raises(InvalidDefinition, match=r"2 problems.*stages\.a\.needs") as refused:
        published(owner, row)
    assert [problem.path for problem in refused.value.problems] == ["stages.a.needs[0]", "stages.b.processor"]


def test_what_has_not_changed_is_not_published_again(owner: Membership) -> None:
    row = a_pipeline(owner)
    change(owner, row, row.draft + "# a comment\n")
    with pytest.raises(InvalidRequest, match="Nothing has changed since version 1"):
        published(owner, row)


def test_only_what_the_member_saw_is_published(owner: Membership) -> None:
    row = a_draft(owner)
    change(owner, row, WITH_COMMENT)
    with pytest.raises(DraftConflict):
        publish(membership=owner, definition=row, based_on=1)


def test_a_restored_version_is_the_draft_and_the_next_version_says_where_it_is_from(
    owner: Membership,
) -> None:
    row = a_pipeline(owner)
    change(owner, row, written(stage("other", processor="transform")))
    published(owner, row)
    row.refresh_from_db()
    restore(membership=owner, definition=row, number=1, based_on=row.draft_number)
    assert published(owner, row).restored_from == 1
    with pytest.raises(InvalidRequest, match="no version 9"):
        restore(membership=owner, definition=row, number=9, based_on=row.draft_number)


def test_a_new_name_stands_in_the_draft_with_its_comments_and_its_runs_follow(owner: Membership) -> None:
    row = a_pipeline(owner)
    run = a_pipeline_run(owner)
    change(owner, row, WITH_COMMENT)
    row = rename(membership=owner, definition=row, name="replies")
    assert row.draft == WITH_COMMENT.replace("support  # short", "replies")
    run.refresh_from_db()
    assert (run.ref, list(TeamPipelines(owner))) == ("replies", ["replies"])
    assert not PIPELINES.read(row.draft, TeamPipelines(owner), name="replies").problems


@pytest.mark.parametrize("text", ["{name: support, stages: []}", "name: [", "stages: []"])
def test_a_draft_is_renamed_however_it_is_written(text: str, owner: Membership) -> None:
    row = change(owner, a_draft(owner), text)
    row = rename(membership=owner, definition=row, name="replies")
    assert "support" not in row.draft


def test_another_name_in_the_text_is_a_problem(owner: Membership) -> None:
    [problem] = PIPELINES.read(WITH_COMMENT, TeamPipelines(owner), name="replies").problems
    assert (problem.path, "is called “replies”" in problem.message) == ("name", True)


def test_what_others_contain_is_neither_renamed_nor_deleted(owner: Membership) -> None:
    row = a_pipeline(owner)
    a_draft(
        owner,
        {**INNER, "processor": "transform", "options": {}, "on_error": {"pipeline": "support"}},
        name="outer",
    )
    with pytest.raises(InvalidRequest, match="while others contain it: outer"):
        rename(membership=owner, definition=row, name="replies")
    with pytest.raises(InvalidRequest, match="while others contain it: outer"):
        delete(membership=owner, definition=row)


def test_a_pipeline_is_deleted_once_no_run_goes_on_and_its_runs_stay(owner: Membership) -> None:
    row = a_pipeline(owner)
    a_pipeline_run(owner)
    with pytest.raises(InvalidRequest, match="still goes on"):
        delete(membership=owner, definition=row)
    Run.objects.update(status="succeeded")
    delete(membership=owner, definition=row)
    assert (SavedDefinition.objects.count(), Run.objects.count()) == (0, 1)
    assert "with <span" in said(owner)
    with pytest.raises(InvalidRequest, match="deleted in the meantime"):
        delete(membership=owner, definition=row)


def test_nobody_changes_the_pipelines_of_another_team(owner: Membership) -> None:
    row, stranger = a_draft(owner), a_member()
    with pytest.raises(InvalidRequest, match="deleted in the meantime"):
        save_draft(membership=stranger, definition=row, text="", based_on=1)
    assert list(TeamPipelines(stranger)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [", "Line 2"),
        ("schema_version: 9\nname: a", "version 9"),
        ("name: a", "missing"),
        ("- 1", "object"),
    ],
)
def test_a_text_that_is_no_definition_says_why(text: str, place: str) -> None:
    found: Json = PIPELINES.read(text, {}).problems
    assert place in found[0].message
