"""Definitions from files: what an import would do, what it does, and what comes out again."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from orchestra_site.accounts.models import AuditEntry, Membership
from orchestration.expressions.documents import read_document
from orchestration.library.models import SavedDefinition
from orchestration.library.services.importing import exported, import_definitions, planned_import
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from tests.support.recipes import RECIPES, a_recipe_draft, recipe_text

pytestmark = pytest.mark.django_db

OLD = "# kept\nname: old\nsteps: cut, cook\n"
SOUP: dict[str, Json] = {"name": "soup", "version": 1, "steps": ["cut", "cook"]}


def steps(member: Membership, text: str) -> list[tuple[str, str]]:
    return [(each.name, each.step.value) for each in planned_import(member, RECIPES, text)]


def test_an_import_is_shown_before_anything_is_stored(owner: Membership) -> None:
    assert steps(owner, recipe_text()) == [("soup", "create")]
    assert not SavedDefinition.objects.exists()


def test_a_text_in_todays_format_becomes_the_draft_as_it_is(owner: Membership) -> None:
    text = "# by hand\n" + recipe_text()
    import_definitions(owner, RECIPES, text)
    assert SavedDefinition.objects.get().draft == text
    assert steps(owner, text) == [("soup", "same")]


def test_a_definition_of_an_earlier_version_is_brought_to_todays_with_each_change_listed(
    owner: Membership,
) -> None:
    [planned] = planned_import(owner, RECIPES, OLD)
    assert [each.message for each in planned.reading.upgrades] == ["The steps became a list."]
    import_definitions(owner, RECIPES, OLD)
    draft = read_document(SavedDefinition.objects.get().draft, "yaml")
    assert (draft["version"], draft["steps"]) == (1, ["cut", "cook"])


def test_a_definition_that_is_there_is_changed_and_the_differences_are_said(owner: Membership) -> None:
    row = a_recipe_draft(owner)
    text = recipe_text("cut", "cook", "serve")
    [planned] = planned_import(owner, RECIPES, text)
    assert [change.message for change in planned.changes] == ["Step serve was added"]
    import_definitions(owner, RECIPES, text)
    row.refresh_from_db()
    assert (row.draft, row.draft_number) == (text, 2)


def test_several_definitions_may_contain_each_other(owner: Membership) -> None:
    outer = {**SOUP, "name": "outer", "uses": ["recipe/soup"]}
    planned = planned_import(owner, RECIPES, json.dumps({"recipes": [outer, SOUP]}))
    assert [(each.name, each.reading.problems) for each in planned] == [("outer", ()), ("soup", ())]


def test_one_with_problems_can_be_a_draft_and_one_that_cannot_be_read_stops_all(owner: Membership) -> None:
    lacking, wrong = {**SOUP, "uses": ["recipe/stock"]}, {"name": "other", "steps": 5}
    assert steps(owner, json.dumps([lacking, wrong])) == [("soup", "create"), ("other", "refuse")]
    with pytest.raises(InvalidRequest, match=r"other: steps: .*Nothing was imported"):
        import_definitions(owner, RECIPES, json.dumps([lacking, wrong]))
    import_definitions(owner, RECIPES, json.dumps([lacking]))
    assert RECIPES.read(SavedDefinition.objects.get().draft, {}).problems


def test_what_an_import_did_is_in_the_audit_log(owner: Membership) -> None:
    for text in (recipe_text(), recipe_text("boil")):
        import_definitions(owner, RECIPES, text)
    said = AuditEntry.objects.order_by("id").values_list("action", "subject", "after__of")
    assert list(said) == [("definition.created", "soup", "recipe"), ("definition.imported", "soup", "recipe")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "Line 2"),
        ("{", "Line 1"),
        ("5", "no definition"),
        ("[]", "no definition"),
        ("[" * 100_000, "levels deep"),
        (json.dumps([SOUP] * 2), "the same name"),
        (json.dumps([{}] * 101), "At most 100"),
        ("x" * 2_000_000, "characters"),
    ],
)
def test_what_holds_no_definitions_is_refused_in_words(text: str, words: str, owner: Membership) -> None:
    with pytest.raises(InvalidRequest, match=words) as refused:
        planned_import(owner, RECIPES, text)
    assert refused.value.field == "text"


@pytest.mark.parametrize("syntax", ["yaml", "json"])
def test_what_is_exported_is_imported_as_the_same(syntax: Literal["yaml", "json"], owner: Membership) -> None:
    a_recipe_draft(owner)
    text = exported(SOUP, syntax)
    assert steps(owner, text) == [("soup", "same")]
