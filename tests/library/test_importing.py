"""Definitions from files: what an import would do, what it does, and what comes out again."""

from __future__ import annotations

import json

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.expressions.documents import read_document
from orchestration.library.models import SavedDefinition
from orchestration.library.services.importing import exported, import_definitions, planned_import
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from pipelines.selectors import PIPELINES
from tests.support.definitions import document, stage
from tests.support.pipelines import a_draft, written
from tests.support.tree import ROOT

pytestmark = pytest.mark.django_db

LOUD = stage("loud", processor="transform")
OLD = (
    "# kept\nname: old\nstages:\n  - {id: a, processor: transform, input: {from: prev}, on_error: continue}\n"
)


def steps(member: Membership, text: str) -> list[tuple[str, str]]:
    return [(each.name, each.step.value) for each in planned_import(member, PIPELINES, text)]


def test_an_import_is_shown_before_anything_is_stored(owner: Membership) -> None:
    assert steps(owner, written(LOUD)) == [("support", "create")]
    assert not SavedDefinition.objects.exists()


def test_a_text_in_todays_format_becomes_the_draft_as_it_is(owner: Membership) -> None:
    text = "# by hand\n" + written(LOUD)
    import_definitions(owner, PIPELINES, text)
    assert SavedDefinition.objects.get().draft == text
    assert steps(owner, text) == [("support", "same")]


def test_a_definition_of_an_earlier_version_is_brought_to_todays_with_each_change_listed(
    owner: Membership,
) -> None:
    [planned] = planned_import(owner, PIPELINES, OLD)
    assert [each.path for each in planned.reading.upgrades] == [
        "schema_version",
        "stages.a.input.from",
        "stages.a.on_error",
    ]
    import_definitions(owner, PIPELINES, OLD)
    draft = read_document(SavedDefinition.objects.get().draft, "yaml")
    assert (draft["schema_version"], draft["stages"][0]["on_error"]) == (1, "skip")


def test_a_pipeline_that_is_there_is_changed_and_the_differences_are_said(owner: Membership) -> None:
    row = a_draft(owner, LOUD)
    text = written(LOUD, stage("more", processor="transform"))
    [planned] = planned_import(owner, PIPELINES, text)
    assert [change.message for change in planned.changes] == ["Stage more was added after loud"]
    import_definitions(owner, PIPELINES, text)
    row.refresh_from_db()
    assert (row.draft, row.draft_number) == (text, 2)


def test_several_definitions_may_contain_each_other(owner: Membership) -> None:
    outer = {**document({**LOUD, "on_error": {"pipeline": "support"}}), "name": "outer"}
    planned = planned_import(owner, PIPELINES, json.dumps({"pipelines": [outer, document(LOUD)]}))
    assert [(each.name, each.reading.problems) for each in planned] == [("outer", ()), ("support", ())]


def test_one_with_problems_can_be_a_draft_and_one_that_cannot_be_read_stops_all(owner: Membership) -> None:
    lacking, wrong = document(stage("a", "nobody", "transform")), {"name": "other", "stages": [{"id": 5}]}
    assert steps(owner, json.dumps([lacking, wrong])) == [("support", "create"), ("other", "refuse")]
    with pytest.raises(InvalidRequest, match=r"other: stages\[0\]\.id: .*Nothing was imported"):
        import_definitions(owner, PIPELINES, json.dumps([lacking, wrong]))
    import_definitions(owner, PIPELINES, json.dumps([lacking]))
    assert PIPELINES.read(SavedDefinition.objects.get().draft, {}).problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "Line 2"),
        ("{", "Line 1"),
        ("5", "no definition"),
        ("[]", "no definition"),
        ("[" * 100_000, "levels deep"),
        (json.dumps([document(LOUD)] * 2), "the same name"),
        (json.dumps([{}] * 101), "At most 100"),
        ("x" * 2_000_000, "characters"),
    ],
)
def test_what_holds_no_definitions_is_refused_in_words(text: str, words: str, owner: Membership) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        planned_import(owner, PIPELINES, text)
    assert refused.value.field == "text"


def test_the_definition_in_the_guide_has_no_problems() -> None:
    guide = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    text = guide.partition("```yaml\n")[2].partition("```")[0]
    assert PIPELINES.read(text, {}).problems == ()


@pytest.mark.parametrize("syntax", ["yaml", "json"])
def test_what_is_exported_is_imported_as_the_same(syntax: Json, owner: Membership) -> None:
    a_draft(owner, LOUD)
    text = exported(document(LOUD), syntax)
    assert steps(owner, text) == [("support", "same")]
