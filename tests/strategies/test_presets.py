"""Presets: saved under a name, versioned, run as they were frozen, with their record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orchestra_site.accounts.models import Membership, Role
from orchestration.library.models import PublishedVersion, SavedDefinition
from orchestration.library.selectors import saved_definitions
from orchestration.library.services.definitions import rename, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.kinds import FrozenRun, get_kind, kind_titles
from orchestration.runs.models import Rating, Run, RunStatus
from orchestration.runs.services.learning import learn_from_ended_runs
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.preset import preset_schema, read_preset
from orchestration.strategies.models import Observation
from orchestration.strategies.selectors import PRESET, PRESETS, preset_records
from orchestration.strategies.services.presets import PresetKind, chosen_preset, save_preset
from tests.support.engines import Engine
from tests.support.history import a_member, a_run
from tests.support.presets import PANEL, a_preset, a_version

pytestmark = pytest.mark.django_db
SUM = "What is 17% of 2,300?"
DEBATE: dict[str, Json] = {"schema_version": 1, "name": "a", "strategy": "debate", "models": ["x", "y"]}


@pytest.fixture
def owner() -> Membership:
    member = a_member(Role.OWNER)
    seed_simulated(member.team)
    return member


def asked(member: Membership, **more: Json) -> Run:
    return store_run(membership=member, kind=PRESET, payload={"ref": "quick", "text": SUM, **more})


def test_a_saved_preset_is_a_published_definition_of_the_library(owner: Membership) -> None:
    version = a_version(owner, title="Quick", note="First.")
    assert (version.number, version.note, str(version.definition)) == (1, "First.", "Quick")
    assert version.document["models"] == list(PANEL)
    assert version.document["options"] == {"rounds": 3}


def test_saving_under_the_same_name_makes_a_version_that_keeps_the_words(owner: Membership) -> None:
    a_version(owner, title="Quick", description="For sums.")
    newer = a_version(owner, strategy="voting", options={})
    assert (newer.number, newer.document["title"], newer.document["description"]) == (2, "Quick", "For sums.")
    older, newest = (PRESETS.stored(each.document) for each in newer.definition.versions.order_by("number"))
    changes = PRESETS.differences(older, newest)
    assert {each.message for each in changes} >= {"Strategy “Debate” → “Voting”"}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "Not A Name"}, "name", "begins with a small letter"),
        ({"name": "x" * 41}, "name", "40 at most"),
        ({"strategy": "oracle"}, "strategy", "no strategy “oracle”"),
        ({"options": {"rounds": 99}}, "options.rounds", "less than or equal to 6"),
        ({"options": {"speed": 1}}, "options.speed", "no option “speed”"),
        ({"models": []}, "models", "empty"),
        ({"models": ["a", "a"]}, "models", "twice: a"),
        ({"strategy": "voting", "options": {"quorum": 9}}, "options.quorum", "9 ballots cannot count"),
        ({"title": "x" * 200}, "title", "120"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    owner: Membership, fields: dict[str, Json], field: str, words: str
) -> None:
    usual: dict[str, Json] = {"name": "quick", "strategy": "debate", "options": {}, "models": PANEL}
    given = usual | fields
    with pytest.raises(InvalidRequest, match=words) as refused:
        save_preset(owner, given.pop("name"), **given)
    assert refused.value.field == field
    assert not SavedDefinition.objects.exists()


def test_changes_of_a_draft_are_not_lost_to_a_new_version(owner: Membership) -> None:
    row = a_preset(owner)
    text = row.draft.replace("rounds: 3", "rounds: 5")
    save_draft(membership=owner, definition=row, text=text, based_on=row.draft_number)
    with pytest.raises(InvalidRequest, match="changes that are not published"):
        a_version(owner, options={"rounds": 4})


def test_saving_the_same_again_is_refused(owner: Membership) -> None:
    a_version(owner)
    with pytest.raises(InvalidRequest, match="Nothing has changed since version 1"):
        a_version(owner)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (7, ""),
        ({"name": "a"}, ""),
        ({**DEBATE, "extra": 1}, ""),
        ({**DEBATE, "models": [["x"]]}, "models[0]"),
        ({**DEBATE, "options": []}, "options"),
        ({**DEBATE, "title": "\ud800"}, ""),
        ({**DEBATE, "tool_rounds": 10**30}, "tool_rounds"),
        ({**DEBATE, "models": ["x"] * 9}, "models"),
        ({**DEBATE, "options": {"rounds": float("nan")}}, ""),
        ({**DEBATE, "description": "x" * 10_000_000}, ""),
    ],
)
def test_a_document_from_anywhere_is_read_or_refused_in_words(document: Json, path: str) -> None:
    preset, problems = read_preset(document)
    assert preset is None
    assert problems[0].path == path
    assert problems[0].message


def test_what_was_stored_by_a_version_that_is_gone_is_no_error(owner: Membership) -> None:
    assert PRESETS.stored({"schema_version": 9}) is None
    version = a_version(owner)
    PublishedVersion.objects.filter(pk=version.pk).update(document={"schema_version": 9})
    with pytest.raises(InvalidRequest, match="cannot be read any more"):
        chosen_preset(owner, "quick")
    assert get_kind(PRESET).choices(owner) == []


def test_a_run_freezes_the_version_that_it_uses(owner: Membership) -> None:
    a_version(owner)
    run = asked(owner, system="Be brief.", constraints={"max_calls": 9})
    a_version(owner, strategy="voting", options={})
    assert (run.kind, run.ref, run.request["version"]) == (PRESET, "quick", 1)
    assert (run.request["strategy"], run.request["options"]["rounds"]) == ("debate", 3)
    again = store_run(membership=owner, kind=PRESET, payload=get_kind(PRESET).payload(run))
    assert {**again.request} == {**run.request}
    assert asked(owner).request["strategy"] == "voting"


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"ref": "nobody"}, "no preset “nobody”"),
        ({"ref": ""}, "no preset"),
        ({"version": 7}, "no version 7"),
        ({"version": True}, "a number, latest or draft"),
        ({"version": "newest"}, "a number, latest or draft"),
        ({"text": " "}, "Write what you want to ask"),
        ({"constraints": {"max_calls": 0}}, "above zero"),
    ],
)
def test_a_payload_that_cannot_run_is_refused_in_words(
    owner: Membership, payload: dict[str, Json], words: str
) -> None:
    a_version(owner)
    with pytest.raises(InvalidRequest, match=words):
        asked(owner, **payload)


def test_another_teams_preset_is_not_there(owner: Membership) -> None:
    a_version(owner)
    with pytest.raises(InvalidRequest, match="no preset"):
        asked(a_member(Role.OWNER))


def test_a_draft_can_be_tried_and_one_with_problems_cannot(owner: Membership) -> None:
    row = a_preset(owner)
    text = row.draft.replace("rounds: 3", "rounds: 5")
    save_draft(membership=owner, definition=row, text=text, based_on=row.draft_number)
    run = asked(owner, version="draft")
    assert (run.request["options"]["rounds"], run.request["version"]) == (5, None)
    row.refresh_from_db()
    save_draft(membership=owner, definition=row, text="strategy: [", based_on=row.draft_number)
    with pytest.raises(InvalidRequest, match="draft has problems"):
        asked(owner, version="draft")


def test_a_preset_whose_model_is_gone_says_which(owner: Membership) -> None:
    a_version(owner, models=["gone", "sim-sage"])
    with pytest.raises(InvalidRequest, match="no model 'gone'"):
        asked(owner)


def test_presets_can_be_started_by_name_with_what_they_typically_take(owner: Membership) -> None:
    row = a_preset(owner, title="Quick")
    a_run(owner, kind=PRESET, ref="quick", cost_usd="0.25")
    [choice] = get_kind(PRESET).choices(owner)
    assert (choice.ref, choice.title, choice.cost_usd) == ("quick", "Quick", Decimal("0.25"))
    assert choice.summary == "Debate by sim-swift and sim-sage."
    assert "models" not in choice.schema["properties"]
    assert kind_titles(owner)[PRESET] == {"quick": "Quick"}
    rename(membership=owner, definition=row, name="slow")
    assert [each.ref for each in get_kind(PRESET).choices(owner)] == ["slow"]


def test_a_run_answers_and_teaches_as_one_of_its_strategy(owner: Membership, engine: Engine) -> None:
    a_version(owner)
    run = engine.execute(asked(owner))
    learn_from_ended_runs()
    engine.runtime.submit(close_resources()).result()
    assert (run.status, run.answer is not None) == (RunStatus.SUCCEEDED, True)
    assert Observation.objects.filter(run=run).count() == 2


def frozen(owner: Membership, request: Mapping[str, Json], panel: Json) -> FrozenRun:
    run = asked(owner)
    return FrozenRun(
        run=run.pk, team=owner.team_id, kind="pipeline", ref="p", request=request, panel=panel, seed=1
    )


def test_a_part_of_another_run_uses_the_preset_that_this_was_frozen_with(owner: Membership) -> None:
    a_version(owner, tools=["clock"])
    kind = PresetKind()
    before = kind.freeze_child(owner, "quick", {})
    a_version(owner, strategy="voting", options={})
    parent = frozen(owner, before.request, before.panel)
    child = kind.check_child(parent, "quick", {"text": SUM}, ())
    assert (child.kind, child.request["strategy"], child.request["version"]) == (PRESET, "debate", 1)
    assert [entry["spec"]["name"] for entry in child.panel] == list(PANEL)
    assert kind.named_models("quick", {}) == ()
    with pytest.raises(InvalidRequest, match="not started with the preset “slow”"):
        kind.check_child(parent, "slow", {"text": SUM}, ())


def test_the_record_is_kept_for_each_version(owner: Membership) -> None:
    for version, quality in ((1, 0.5), (2, 0.9), (2, 0.7), (None, 0.1)):
        run = a_run(owner, kind=PRESET, ref="quick", quality=quality, request={"version": version})
        if version == 1:
            Rating.objects.create(run=run, user=owner.user, value=1)
    a_run(owner, kind=PRESET, ref="quick", status=RunStatus.CANCELLED, request={"version": 1})
    record = preset_records(owner)["quick"]
    assert list(record.versions) == [2, 1, None]
    assert record.versions[2].quality == pytest.approx(0.8)
    assert (record.whole.runs, record.whole.good, record.versions[1].good) == (4, 1, 1)
    assert preset_records(a_member()) == {}


def test_the_library_reads_a_preset_like_any_definition(owner: Membership) -> None:
    row = a_preset(owner)
    assert PRESETS.payload("quick", {"text": "?"}) == {"ref": "quick", "version": "latest", "text": "?"}
    assert PRESETS.payload("quick", "?")["text"] == "?"
    assert PRESETS.example({}) is None
    assert not PRESETS.contained(PRESETS.published(row.versions.get()))  # type: ignore[arg-type]
    assert PRESETS.read(row.draft, {}, name="other").problems[0].path == "name"
    assert saved_definitions(owner, PRESET).get() == row


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"preset": "nobody"}, "no preset “nobody”"),
        ({"preset": "quick", "model": ["x"]}, "Leave --model out"),
    ],
)
def test_the_command_says_what_does_not_fit_with_a_preset(
    owner: Membership, arguments: dict[str, Json], words: str
) -> None:
    a_version(owner)
    with pytest.raises(CommandError, match=words) as refused:
        call_command("orchestrate", SUM, team=owner.team.name, **arguments)
    assert refused.value.returncode == 2


def test_the_command_asks_with_a_preset(owner: Membership, engine: Engine) -> None:
    a_version(owner)
    out = StringIO()
    call_command("orchestrate", SUM, team=owner.team.name, preset="quick", json=True, stdout=out)
    found = json.loads(out.getvalue())
    assert (found["status"], found["strategy"]) == ("succeeded", "debate")


def test_the_schema_of_presets_is_made_of_its_fields() -> None:
    preset_schema.cache_clear()
    assert [each.path for each in preset_schema().problems({"models": "one"})]
