"""Judges and rubrics in the browser: agreement, the editor, versions, a try-out, and runs that use them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from orchestra_site.accounts.models import AuditEntry, Membership, Role
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.models import LanguageModel, Provider
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.runs.kinds import FrozenRun, get_kind
from orchestration.runs.models import Rating, Run
from orchestration.strategies.engine.quality.rubrics import Criterion, Rubric
from orchestration.strategies.models import JudgedAnswer, RubricVersion, SavedRubric
from orchestration.strategies.services.rubrics import (
    delete_rubric,
    freeze_rubric,
    keep_judgements,
    save_rubric,
)
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
JUDGES = "/methods/judges/"
KIND = Rubric(name="House", criteria=(Criterion(name="Tone"),))


def form(name: str = "House", *criteria: tuple[str, str], **more: str) -> dict[str, str]:
    posted = {
        "name": name,
        "points": "10",
        "criteria-TOTAL_FORMS": str(len(criteria) + 1),
        "criteria-INITIAL_FORMS": "0",
        "examples-TOTAL_FORMS": "1",
        "examples-INITIAL_FORMS": "0",
    }
    for number, (criterion, weight) in enumerate(criteria):
        posted |= {f"criteria-{number}-name": criterion, f"criteria-{number}-weight": weight}
    return posted | more


def payload(**options: str) -> dict[str, Any]:
    return {"text": "Why?", "strategy": "parallel", "models": ("sim-swift", "sim-sage"), "options": options}


def judged(run: Run, score: float, *ratings: int) -> None:
    JudgedAnswer.objects.create(run=run, judge="sim-oracle", rubric="House", version=2, score=score)
    for value in ratings:
        Rating.objects.create(run=run, user=a_member(Role.VIEWER, run.team).user, value=value)


def test_a_rubric_is_made_changed_and_restored_and_every_version_is_kept(member: Membership) -> None:
    client = signed_in(member)
    assert 'value="accuracy"' in client.get(f"{JUDGES}new/").content.decode()
    answer = client.post(f"{JUDGES}new/", form("House", ("Tone", "2"), ("Facts", "")))
    saved = SavedRubric.objects.get()
    assert answer["Location"] == f"{JUDGES}{saved.pk}/"
    assert [(each.name, each.weight) for each in saved.newest.rubric.criteria] == [("Tone", 2), ("Facts", 1)]
    address = f"{JUDGES}{saved.pk}/"
    assert client.post(address, form("House rules", ("Tone", "1"), based_on="1")).status_code == 302
    page = client.get(address).content.decode()
    assert "Version 2" in page
    assert client.post(f"{address}restore/1/").status_code == 302
    saved.refresh_from_db()
    assert (saved.name, saved.newest.number, len(saved.newest.rubric.criteria)) == ("House rules", 3, 2)
    assert AuditEntry.objects.visible_to(member).count() == 3


def test_saving_the_same_again_makes_no_version(member: Membership) -> None:
    saved = save_rubric(membership=member, rubric=KIND)
    assert save_rubric(membership=member, saved=saved, rubric=KIND, based_on=1).newest.number == 1
    assert RubricVersion.objects.count() == 1


def test_two_who_save_at_once_do_not_overwrite_each_other(member: Membership) -> None:
    saved, client = save_rubric(membership=member, rubric=KIND), signed_in(member)
    address = f"{JUDGES}{saved.pk}/"
    client.post(address, form("House", ("Facts", "1"), based_on="1"))
    answer = client.post(address, form("House", ("Mine", "1"), based_on="1"))
    assert answer.status_code == 422
    assert "Somebody else saved this rubric" in answer.content.decode()
    assert 'value="Mine"' in answer.content.decode()


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        (form(""), "This field is required"),
        (form("House"), "Enter at least one criterion"),
        (form("five dimensions", ("Tone", "1")), "comes with Orchestra"),
        (form("Taken", ("Tone", "1")), "has a rubric of this name"),
        (form("House", ("Tone", "1"), ("tone", "1")), "Two criteria have the same name"),
        (form("House", ("Tone", "-1")), "greater than or equal to 0.01"),
        (form("House", ("Tone", "NaN")), "Enter a number"),
        (form("House", ("", "1"), **{"criteria-0-description": "x"}), "Name the criterion"),
        (form("House", ("Tone", "1"), **{"examples-0-answer": "No."}), "Fill in all three"),
        (form("House\0", ("Tone", "1")), "Null characters"),
        (form("House", ("Tone", "1"), points="7"), "Select a valid choice"),
        ({}, "This field is required"),
    ],
)
def test_what_cannot_be_a_rubric_is_refused_in_words(
    member: Membership, posted: dict[str, str], words: str
) -> None:
    save_rubric(membership=member, rubric=KIND.model_copy(update={"name": "Taken"}))
    answer = signed_in(member).post(f"{JUDGES}new/", posted)
    assert answer.status_code == 422
    assert words in answer.content.decode().replace("&#x27;", "'")
    assert SavedRubric.objects.count() == 1


def test_more_lines_are_added_without_a_script_and_nothing_typed_is_lost(member: Membership) -> None:
    posted = form("", ("Tone", "1"), more="criteria", **{"criteria-1-description": "half"})
    page = signed_in(member).post(f"{JUDGES}new/", posted)
    assert page.status_code == 200
    assert 'name="criteria-4-name"' in page.content.decode()
    assert "half" in page.content.decode()
    assert "This field is required" not in page.content.decode()


def test_a_viewer_looks_an_operator_changes_an_admin_deletes_and_a_stranger_finds_nothing() -> None:
    admin = a_member(Role.ADMIN)
    saved = save_rubric(membership=admin, rubric=KIND)
    viewer, operator = (a_member(role, admin.team) for role in (Role.VIEWER, Role.OPERATOR))
    address = f"{JUDGES}{saved.pk}/"
    assert "disabled" in signed_in(viewer).get(address).content.decode()
    for last, method in (("", "post"), ("try/", "post"), ("restore/1/", "post"), ("delete/", "post")):
        assert getattr(signed_in(viewer), method)(address + last).status_code == 403
        assert getattr(signed_in(a_member(Role.OWNER)), method)(address + last).status_code == 404
    assert signed_in(operator).post(f"{address}delete/").status_code == 403
    assert signed_in(admin).post(f"{address}delete/").status_code == 302
    assert not SavedRubric.objects.exists()
    assert Client().get(JUDGES).status_code == 302


def test_a_run_is_frozen_with_the_rubric_that_its_options_name(member: Membership) -> None:
    seed_simulated(member.team)
    save_rubric(membership=member, rubric=KIND)
    asked = {**payload(judge="sim-oracle", rubric="House"), "rubric": {"name": "smuggled"}}
    checked = get_kind("strategy").check(member, asked)
    assert (checked.request["rubric"]["name"], checked.request["rubric"]["version"]) == ("House", 1)
    again = get_kind("strategy").check(member, {**checked.request, "options": {"judge": "sim-oracle"}})
    assert "rubric" not in again.request


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"judge": "sim-oracle", "rubric": "None"}, "no rubric “None”"),
        ({"rubric": "House"}, "nobody would score by it"),
    ],
)
def test_a_rubric_that_cannot_be_used_is_refused_at_its_field(
    member: Membership, options: dict[str, str], words: str
) -> None:
    seed_simulated(member.team)
    save_rubric(membership=member, rubric=KIND)
    with pytest.raises(InvalidRequest, match=words) as raised:
        get_kind("strategy").check(member, payload(**options))
    assert raised.value.field == "options.rubric"


def test_a_child_scores_by_a_rubric_that_its_parent_was_frozen_with(member: Membership) -> None:
    seed_simulated(member.team)
    save_rubric(membership=member, rubric=KIND)
    kind, asked = get_kind("strategy"), payload(judge="sim-oracle", rubric="House")
    frozen = kind.freeze_child(member, "parallel", asked)
    panel = kind.check(member, asked).panel
    parent = FrozenRun(
        run=uuid4(),
        team=member.team_id,
        kind="pipeline",
        ref="p",
        request=frozen.request,
        panel=panel,
        seed=1,
    )
    child = kind.check_child(parent, "parallel", asked, ["sim-swift"])
    assert child.request["rubric"] == freeze_rubric(member, "House")
    with pytest.raises(InvalidRequest, match="not started with a rubric"):
        kind.check_child(replace(parent, request={}), "parallel", asked, ["sim-swift"])


def test_the_field_for_a_rubric_is_there_once_there_is_one(member: Membership) -> None:
    seed_simulated(member.team)
    client = signed_in(member)
    assert "options.rubric" not in client.get("/?strategy=parallel").content.decode()
    save_rubric(membership=member, rubric=KIND)
    assert 'value="House"' in client.get("/?strategy=parallel").content.decode()


def test_judgements_of_an_ended_run_are_kept_once(member: Membership) -> None:
    said = {"judge": "sim-oracle", "rubric": "House", "version": 2, "score": 0.75}
    run = a_run(member, outcome={"quality": {"judgements": [said, said]}})
    for _ in range(2):
        keep_judgements([run, a_run(member)])
    [kept] = JudgedAnswer.objects.all()
    assert (kept.run, kept.judge, kept.version, kept.score) == (run, "sim-oracle", 2, 0.75)


def test_the_page_says_how_far_a_judge_agrees_with_people(
    member: Membership, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        judged(a_run(member), 0.9 if number % 4 else 0.4, 1)
        judged(a_run(member), 0.2 if number % 4 else 0.6, -1)
    judged(a_run(a_member(Role.OWNER)), 0.0, 1)
    client = signed_in(member)
    with django_assert_max_num_queries(8):
        page = client.get(JUDGES).content.decode()
    for words in ("12 good, 12 bad", "94%", "version 2", "Tells good from bad"):
        assert words in page


def test_with_too_little_the_page_says_what_is_missing(member: Membership) -> None:
    assert "Nothing to compare yet" in signed_in(member).get(JUDGES).content.decode()
    judged(a_run(member), 0.9, 1)
    judged(a_run(member), 0.9)
    page = signed_in(member).get(JUDGES).content.decode()
    assert "Too little to say: 9 more rated good and 10 more rated bad" in page


def test_a_rubric_is_tried_out_on_a_past_run_in_both_orders(member: Membership) -> None:
    seed_simulated(member.team)
    saved = save_rubric(membership=member, rubric=KIND)
    texts = {"sim-swift": "Answer: 391", "sim-sage": "Answer: 400"}
    candidates = [{"model": name, "step": f"ask/{name}", "text": text} for name, text in texts.items()]
    run = a_run(
        member,
        kind="strategy",
        status="succeeded",
        prompt="What is 17% of 2,300?",
        outcome={"candidates": candidates},
    )
    posted = {"judge": "sim-oracle", "run": str(run.pk)}
    headers = {"HX-Request": "true", "HX-Target": "rubric-trial"}
    page = signed_in(member).post(f"{JUDGES}{saved.pk}/try/", posted, headers=headers).content.decode()
    assert "<html" not in page
    for words in ("Simulated judge sim-oracle", "90%", "10%", "in both orders", "Tone"):
        assert words in page
    refused = signed_in(member).post(f"{JUDGES}{saved.pk}/try/", {"judge": "nobody", "run": "x"})
    assert refused.status_code == 422


def test_a_try_out_that_cannot_be_says_why(member: Membership) -> None:
    seed_simulated(member.team)
    remote = Provider.objects.create(
        team=member.team, name="Cloud", kind="openai_compatible", base_url="http://10.0.0.1/v1"
    )
    LanguageModel.objects.create(team=member.team, provider=remote, name="away", remote_name="x")
    saved = save_rubric(membership=member, rubric=KIND)
    answered = {"candidates": [{"model": "sim-swift", "step": "ask/a", "text": "4"}]}
    runs = [a_run(member, kind="strategy", status="succeeded", outcome=each) for each in ({}, answered)]
    client, address = signed_in(member), f"{JUDGES}{saved.pk}/try/"
    page = client.post(address, {"judge": "sim-oracle", "run": str(runs[0].pk)}).content.decode()
    assert "This run has no answer to judge" in page
    page = client.post(address, {"judge": "away", "run": str(runs[1].pk)}).content.decode()
    assert 'class="notice notice-error"' in page


def test_a_rubric_that_is_gone_or_taken_cannot_be_changed(member: Membership) -> None:
    saved = save_rubric(membership=member, rubric=KIND)
    save_rubric(membership=member, rubric=KIND.model_copy(update={"name": "Other"}))
    taken = KIND.model_copy(update={"name": "Other"})
    with pytest.raises(InvalidRequest, match="has a rubric of this name"):
        save_rubric(membership=member, saved=saved, rubric=taken, based_on=1)
    SavedRubric.objects.filter(pk=saved.pk).delete()
    with pytest.raises(InvalidRequest, match="deleted in the meantime"):
        delete_rubric(membership=member, saved=saved)
