"""Sessions as runs: frozen, executed on the simulated models, shown, started from forms and pipelines."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.test import Client
from django.urls import reverse

from collaboration.engine.estimating import expected_calls
from collaboration.selectors import KIND, LINEUPS, session_record
from collaboration.services.freezing import stored_lineup
from collaboration.services.session_runs import USUAL_LINEUP, SessionKind
from orchestra_site.accounts.models import Membership
from orchestra_site.web.alphabets import words
from orchestration.expressions.documents import write_yaml
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import create_definition, publish
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.starting import store_run
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.pipelines import a_pipeline, a_pipeline_run
from tests.support.rooms import LED, QUIET, SCOUT

TASK = "Compare the harbours of Genoa and Marseille. Describe the trade of each. Name what travellers like."
OTHER = "Write a test plan for the login page. Cover passwords, lockout and sessions."
SMALL: Json = {
    "name": "small",
    "participants": [{**LED, "model": "sim-sage"}, {**SCOUT, "model": "any"}],
    "negotiation": QUIET,
    "limits": {"returns": 0},
}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


def small(*more: Mapping[str, Json], **scout: Json) -> dict[str, Json]:
    leader, worker = SMALL["participants"]
    return {**SMALL, "participants": [leader, {**worker, **scout}, *more]}


def a_session(member: Membership, text: str = TASK, **payload: Json) -> Run:
    return store_run(membership=member, kind=KIND, payload={"text": text, "lineup": SMALL, **payload})


def a_lineup(member: Membership, name: str = "small") -> SavedDefinition:
    text = write_yaml({**SMALL, "name": name})
    row = create_definition(membership=member, kind=LINEUPS, name=name, text=text)
    publish(membership=member, definition=row, based_on=row.draft_number)
    return row


@pytest.mark.parametrize("name", LINEUPS.gallery)
def test_each_line_up_of_the_gallery_comes_to_a_result(name: str, owner: Membership, engine: Engine) -> None:
    run = engine.execute(a_session(owner, lineup=name))
    session = session_record(run)
    assert (run.status, session["phase"]) == ("succeeded", "completed"), run.error
    assert session["result"] == run.answer
    assert run.quality == session["ending"]["quality"]
    assert sum(each["impact"] for each in session["ending"]["contributions"]) == pytest.approx(1)
    ranges = [(few, most) for *_, few, most in expected_calls(stored_lineup(run.request["lineup"]))]
    few, most = (sum(each) for each in zip(*ranges, strict=True))
    assert few <= run.calls_started <= most


def test_two_tasks_give_one_line_up_different_plans_in_words_of_their_own(
    owner: Membership, engine: Engine
) -> None:
    plans = []
    for task in (TASK, OTHER):
        session = session_record(engine.execute(a_session(owner, task, lineup="design-review")))
        titles = [each["title"] for each in session["subtasks"]]
        own = set(words(task.casefold()))
        assert len(set(titles)) == len(titles)
        assert all(own & set(words(title.casefold())) for title in titles)
        plans.append(titles)
    assert not set(plans[0]) & set(plans[1])


def test_a_person_is_asked_in_the_inbox_and_the_session_goes_on(owner: Membership, engine: Engine) -> None:
    reviewer = {"id": "boss", "role": "reviewer", "user": str(owner.user_id)}
    run = engine.execute(a_session(owner, "Describe Genoa.", lineup=small(reviewer)))
    while run.status == "waiting":
        question = run.questions.filter(answered_at=None).first()
        assert question is not None
        verdict = {"verdict": "accept", "score": 1, "reason": "Yes."}
        answer_question(membership=owner, question=question, answer=verdict)
        run = engine.execute(run)
    assert run.status == "succeeded"


def test_a_pipeline_and_a_strategy_do_subtasks(owner: Membership, engine: Engine) -> None:
    a_pipeline(owner, name="survey")
    worker = {"id": "sage", "role": "executor", "model": "any", "strategy": "parallel"}
    run = engine.execute(a_session(owner, lineup=small(worker, pipeline="survey")))
    children = set(run.steps.filter(kind="child").values_list("key", flat=True))
    assert run.status == "succeeded"
    assert {key.rpartition("/")[2] for key in children} == {"pipeline", "strategy"}


def test_a_stage_of_a_pipeline_runs_a_session(owner: Membership, engine: Engine) -> None:
    a_lineup(owner)
    options = {"kind": KIND, "ref": "small", "payload": {"text": "{{ input.text }}"}}
    a_pipeline(owner, stage("work", processor="run", options=options), name="with-session")
    run = engine.execute(a_pipeline_run(owner, "with-session", input={"text": TASK}))
    assert (run.status, run.error) == ("succeeded", "")
    assert (
        run.steps.filter(key__startswith="work/run/session/").exists()
        or run.steps.filter(key__contains="/session/").exists()
    )


def test_a_frozen_session_starts_again_as_it_was(owner: Membership) -> None:
    a_lineup(owner)
    run = a_session(owner, lineup="small")
    again = SessionKind().check(owner, SessionKind().payload(run))
    assert (run.request["version"], again.request, again.ref) == (1, run.request, "small")


def test_a_line_up_is_found_by_name_and_version(owner: Membership) -> None:
    row = a_lineup(owner)
    assert a_session(owner, lineup=row.name, version="draft").request["version"] is None
    assert a_session(owner, lineup=row.name, version=1).request["version"] == 1
    assert store_run(membership=owner, kind=KIND, payload={"ref": row.name, "text": TASK}).ref == "small"
    assert store_run(membership=owner, kind=KIND, payload={"text": TASK}).ref == USUAL_LINEUP


PROBLEMS: list[tuple[Json, str, str]] = [
    ({"text": " "}, "text", "Write what the session is to do."),
    ({"text": "x" * 60_001}, "text", "at most 60,000"),
    ({"lineup": "nobody"}, "lineup", "There is no line-up “nobody” in this team."),
    ({"lineup": {"name": "x"}}, "definition", "participants"),
    ({"lineup": small(model="nobody")}, "lineup.participants[1].model", "There is no model 'nobody'"),
    ({"lineup": small(strategy="nothing")}, "lineup.participants[1].strategy", "nothing"),
    ({"lineup": small(pipeline="nothing")}, "lineup.participants[1].pipeline", "There is no pipeline"),
    ({"lineup": small(tools=["nothing"])}, "lineup.participants[1].tools", "There is no tool"),
    (
        {"lineup": small({"id": "eve", "role": "observer", "user": "Eve"})},
        "lineup.participants[2].user",
        "Eve",
    ),
    (
        {"lineup": small({"id": "e", "role": "observer", "team_role": "king"})},
        "lineup.participants[2].team_role",
        "There is no role “king” in teams",
    ),
    ({"models": ["nobody"]}, "models", "There is no model 'nobody'"),
    ({"version": 7, "lineup": "small"}, "version", "The line-up “small” has no version 7."),
    ({"version": "odd"}, "version", "version"),
    ({"constraints": {"min_quality": 0.5}}, "min_quality", "its line-up says which quality"),
    ({"constraints": {"max_cost_usd": -1}}, "max_cost_usd", "A limit must be above zero"),
]


@pytest.mark.parametrize(("payload", "field", "message"), PROBLEMS)
def test_what_cannot_start_says_why_at_its_field(
    payload: Json, field: str, message: str, owner: Membership
) -> None:
    a_lineup(owner)
    with pytest.raises(InvalidRequest, match=message.replace("(", r"\(")) as refused:
        a_session(owner, **payload)
    assert refused.value.field == field


def test_a_session_has_models_only_where_there_are_some(transactional_db: None) -> None:
    with pytest.raises(InvalidRequest, match="There is no model yet"):
        a_session(a_member())


def test_a_line_up_that_is_no_longer_published_or_readable_is_refused(owner: Membership) -> None:
    row = a_lineup(owner)
    row.versions.update(document={"name": "small"})
    with pytest.raises(InvalidRequest, match="can no longer be read"):
        a_session(owner, lineup="small", version=1)
    create_definition(membership=owner, kind=LINEUPS, name="new", text=write_yaml({**SMALL, "name": "new"}))
    with pytest.raises(InvalidRequest, match="is not published yet"):
        a_session(owner, lineup="new")


def test_a_money_limit_is_shared_by_the_calls(owner: Membership, engine: Engine) -> None:
    run = engine.execute(a_session(owner, constraints={"max_cost_usd": "0.0001"}))
    assert run.cost_usd <= 0.0002
    assert session_record(run)["ending"]["caveat"] == "run_limit"


def test_messages_are_commands_and_plain_text_is_said(owner: Membership) -> None:
    run = a_session(owner)
    check = SessionKind().check_message
    assert check(run, {"text": "Hello."}) == {"do": "say", "text": "Hello."}
    assert check(run, {"do": "pause"}) == {"do": "pause"}
    with pytest.raises(InvalidRequest, match="There is no command “dance”"):
        check(run, {"do": "dance"})


def test_what_can_be_started_has_the_gallery_and_the_teams_line_ups(owner: Membership) -> None:
    a_lineup(owner)
    names = [each.ref for each in SessionKind().choices(owner)]
    assert names == sorted([*LINEUPS.gallery, "small"])


def test_the_page_of_a_session_shows_who_did_what(owner: Membership, engine: Engine, client: Client) -> None:
    run = engine.execute(a_session(owner))
    client.force_login(owner.user)
    page = client.get(reverse("runs:run", args=[run.pk])).content.decode()
    assert "{&#x27;number" not in page
    for text in ("Participants", "Board", "Decisions", "Conversation", "subtasks accepted", "sim-sage"):
        assert text in page
