"""Pipelines as definitions of the library: what a text says, what stands in it, what contains what."""

from __future__ import annotations

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.library.models import PublishedVersion
from orchestration.library.services.definitions import create_definition, delete, rename
from orchestration.library.services.importing import planned_import
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from pipelines.selectors import PIPELINES, TeamPipelines
from tests.support.definitions import stage
from tests.support.pipelines import a_draft, a_pipeline, written

pytestmark = pytest.mark.django_db

OLD = "name: old\nstages:\n  - {id: a, processor: transform, input: {from: prev}, on_error: continue}\n"


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
    row = create_definition(membership=owner, kind=PIPELINES, name="support", text=text)
    assert row.sample == sample


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [", "Line 2"),
        ("schema_version: 9\nname: a", "version 9"),
        ("name: a", "missing"),
        ("- 1", "object"),
    ],
)
def test_a_text_that_is_no_pipeline_says_why(text: str, place: str) -> None:
    assert place in PIPELINES.read(text, {}).problems[0].message


def test_another_name_in_the_text_is_a_problem(owner: Membership) -> None:
    [problem] = PIPELINES.read(written(), TeamPipelines(owner), name="replies").problems
    assert (problem.path, "is called “replies”" in problem.message) == ("name", True)


def test_a_renamed_pipeline_has_its_name_in_all_that_contains_it(owner: Membership) -> None:
    row = a_pipeline(owner)
    rename(membership=owner, definition=row, name="replies")
    assert {name: each.name for name, each in TeamPipelines(owner).items()} == {"replies": "replies"}


def test_a_fallback_of_a_stage_contains_a_pipeline(owner: Membership) -> None:
    row = a_pipeline(owner)
    a_draft(owner, stage("a", processor="transform", on_error={"pipeline": "support"}), name="outer")
    with pytest.raises(InvalidRequest, match="while others contain it: outer"):
        delete(membership=owner, definition=row)


def test_a_pipeline_of_an_earlier_format_is_imported_with_each_change_listed(owner: Membership) -> None:
    [planned] = planned_import(owner, PIPELINES, OLD)
    paths = ["schema_version", "stages.a.input.from", "stages.a.on_error"]
    assert [each.path for each in planned.reading.upgrades] == paths
    assert [each["path"] for each in planned.summary["upgrades"]] == paths


def test_a_version_that_cannot_be_read_any_more_is_as_if_it_were_not_there(owner: Membership) -> None:
    a_pipeline(owner)
    PublishedVersion.objects.update(document={"schema_version": 99})
    assert TeamPipelines(owner).get("support") is None
