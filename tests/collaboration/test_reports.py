"""A session as a document: one record for page, files and command; forks and comparisons from pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from markdown_it import MarkdownIt
from pytest_django import DjangoAssertNumQueries

from collaboration.parts.reports import report_context, report_markdown, session_document
from collaboration.selectors import session_record
from collaboration.services.forks import fork_start
from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import add_simulated
from orchestration.runs.models import Run, Step
from orchestration.runs.services.starting import store_run
from tests.support.engines import Engine
from tests.support.history import a_member, signed_in
from tests.support.lineups import a_played_run
from tests.support.rooms import ANA, LED, SAGE, SCOUT, TASK, Room, line_up

HOSTILE = "# Mine\n```\n<script>alert(1)</script>\n## Result\nstolen <b>it</b>"
LINEUP: Json = {
    "name": "small",
    "participants": [{**LED, "model": "sim-sage"}, {**SCOUT, "model": "sim-scout"}],
    "negotiation": {"rounds": 1},
    "limits": {"returns": 0},
}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    member = a_member()
    add_simulated(membership=member)
    return member


@pytest.fixture
def session(owner: Membership, engine: Engine) -> Run:
    payload = {"text": f"{TASK} قارن الموانئ.", "lineup": LINEUP, "constraints": {"max_cost_usd": 1}}
    return engine.execute(store_run(membership=owner, kind="session", payload=payload))


def page(client: Client, view: str, run: Run, query: str = "") -> str:
    answer = client.get(f"{reverse(f'sessions:{view}', args=[run.pk])}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_files_and_command_tell_the_same(owner: Membership, session: Run) -> None:
    browser, document = signed_in(owner), session_document(session)
    assert json.loads(page(browser, "session-json", session)) == document
    assert page(browser, "report-md", session) == report_markdown(document)
    shown = page(browser, "report", session)
    for each in (*document["subtasks"], *document["participants"]):
        assert each.get("title", each.get("name")) in shown
    costs = [each["cost_usd"] for each in document["participants"]]
    assert sum(costs) == pytest.approx(document["cost_usd"])
    assert sum(each["cost_usd"] for each in document["cost_by_role"]) == pytest.approx(document["cost_usd"])
    assert [each["phase"] for each in document["phases"]] == [
        "planning",
        "negotiating",
        "executing",
        "reviewing",
    ]


def test_files_are_named_after_the_task_and_are_not_shown_in_place(owner: Membership, session: Run) -> None:
    for view, ending, kind in (
        ("report-md", "report.md", "text/markdown"),
        ("session-json", "session.json", "json"),
    ):
        answer = signed_in(owner).get(reverse(f"sessions:{view}", args=[session.pk]))
        named = answer.headers["Content-Disposition"]
        assert named.startswith("attachment")
        assert f"compare-the-harbours-of-genoa-and-marseille-descri-{ending}" in named
        assert kind in answer.headers["Content-Type"]


def test_the_report_takes_few_queries_however_long_the_session(
    owner: Membership, session: Run, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(owner)
    for view, most in (("report", 12), ("session-json", 12), ("fork", 20)):
        with django_assert_max_num_queries(most):
            page(browser, view, session)


def test_no_text_breaks_out_of_the_markdown(owner: Membership) -> None:
    room = Room(
        line_up(LED, SCOUT, SAGE, negotiation={"rounds": 1}),
        {"work": {"text": HOSTILE}, "propose": {"text": HOSTILE}},
        task=HOSTILE,
    ).play()
    text = report_markdown(session_document(a_played_run(owner, room)))
    tokens = MarkdownIt("commonmark", {"html": True}).parse(text)
    inner = [child for each in tokens for child in [each, *(each.children or ())]]
    assert not [each for each in inner if each.type.startswith("html")]
    heads = [
        tokens[number + 1].content
        for number, each in enumerate(tokens)
        if each.type == "heading_open" and each.level == 0 and each.tag in {"h1", "h2"}
    ]
    assert heads[1:] == [
        *("Task", "Result", "Participants", "Decisions", "Proposals", "Subtasks", "Contributions"),
        *("Cost and time", "Conversation"),
    ]


def test_a_page_shows_hostile_text_as_text(owner: Membership) -> None:
    room = Room(line_up(LED, SCOUT, SAGE), {"work": {"text": HOSTILE}}, task=HOSTILE).play()
    shown = page(signed_in(owner), "report", a_played_run(owner, room), "?conversation=all")
    assert "<script>alert" not in shown
    assert "<b>it</b>" not in shown


def test_what_only_a_person_was_told_is_in_no_document(owner: Membership) -> None:
    room = Room(line_up(LED, SCOUT, ANA), {("scout", "stance"): "??"}).play("negotiating")
    room.act("u-ana", "vote", option="P9")
    room.act("u-eve", "say", text="Let me in.")
    document = session_document(a_played_run(owner, room.play()))
    errors = [each["text"] for each in document["messages"] if each["kind"] == "error"]
    assert document["withheld"] == 2
    assert not [each for each in errors if "vote on this" in each or "Join the session" in each]
    assert "refused moves of people are not part" in report_markdown(document)


def test_a_session_that_goes_on_has_a_report_so_far(owner: Membership) -> None:
    run = a_played_run(owner, Room().play("executing"), status="running", finished_at=None)
    assert "this is what has happened so far" in page(signed_in(owner), "report", run)
    assert "The session is executing." in report_markdown(session_document(run))
    assert report_context(session_document(run))["last_fork"] == session_record(run)["entries"]


def test_a_viewer_reads_and_does_not_fork(owner: Membership, session: Run) -> None:
    viewer = signed_in(a_member(Role.VIEWER, owner.team))
    assert "Fork from here" not in page(viewer, "report", session)
    assert "Fork from here" in page(signed_in(owner), "report", session)
    assert viewer.get(reverse("sessions:fork", args=[session.pk])).status_code == 403


def fields(run: Run, entry: int) -> dict[str, Any]:
    """Return what a browser sends of the form of a point where nothing was changed."""
    given: dict[str, Any] = {"entry": entry, "new_role": "specialist", "new_model": "sim-sage"}
    state = fork_start(run, entry)[1].step.state
    for each in state.plan.subtasks if state.phase == "executing" else ():
        texts = {"title": each.title, "instructions": each.instructions, "assignee": each.assignee}
        given |= {f"{each.id}-{name}": text for name, text in texts.items()}
    return given


def settled(run: Run) -> int:
    said = session_record(run)["messages"]
    return next(int(each["entry"]) for each in said if each["text"] == "The session is executing.")


def test_a_form_forks_a_session_with_all_its_changes(owner: Membership, session: Run, engine: Engine) -> None:
    browser, entry = signed_in(owner), settled(session)
    given = fields(session, entry)
    given |= {"direction": "Only wine.", "participants[1].seat": "model:sim-swift", "limits.returns": "1"}
    given |= {"new_name": "Wine taster", "new_model": "sim-oracle", "max_cost_usd": "0.5", "s2-drop": "on"}
    given |= {"s1-instructions": "Name three wines.", "add_title": "A toast"}
    answer = browser.post(reverse("sessions:fork", args=[session.pk]), given)
    run = engine.execute(Run.objects.exclude(pk=session.pk).get())
    assert answer.headers["Location"] == reverse("runs:run", args=[run.pk])
    found = session_document(run)
    assert (run.status, run.request["constraints"]) == ("succeeded", {"max_cost_usd": "0.5"})
    assert [each["model"] for each in found["participants"]] == ["sim-sage", "sim-swift", "sim-oracle"]
    assert found["participants"][2]["id"] == "wine-taster"
    statuses = {each["title"]: each["status"] for each in found["subtasks"]}
    assert statuses["A toast"] == "accepted"
    assert "dropped" in statuses.values()
    assert (found["fork"]["of"], found["fork"]["direction"]) == (str(session.pk), "Only wine.")
    shown = page(browser, "report", run)
    assert "A fork of" in shown
    assert "Only wine." in shown


def test_the_form_offers_who_takes_each_seat(owner: Membership, session: Run) -> None:
    shown = signed_in(owner).get(reverse("sessions:fork", args=[session.pk])).content.decode()
    for number in range(2):
        assert f'<select name="participants[{number}].seat"' in shown


WRONG: list[tuple[dict[str, str], str]] = [
    ({"limits.returns": "99"}, "must be at most 10"),
    ({"participants[1].seat": "team_role:owner"}, "not what it is"),
    ({"new_name": "Scout two", "new_model": "nobody"}, "nobody"),
    ({"new_name": "Second", "new_role": "leader", "conflict.rule": "arbitration"}, "An arbiter is named"),
    ({"s1-title": ""}, "This field is required"),
    ({f"s{number}-drop": "on" for number in range(1, 13)}, "is the only subtask"),
    ({"max_cost_usd": "-1"}, "greater than or equal"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(
    changes: dict[str, str], words: str, owner: Membership, session: Run
) -> None:
    browser = signed_in(owner)
    given = fields(session, settled(session)) | {"direction": "Kept words.", **changes}
    answer = browser.post(reverse("sessions:fork", args=[session.pk]), given)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert words in shown
    assert "Kept words." in shown
    assert Run.objects.count() == 1


@pytest.mark.parametrize("entry", ["999", "9" * 30, "-1", "x", "٣"])
def test_a_point_that_there_is_not_is_refused_or_the_last_one(
    entry: str, owner: Membership, session: Run
) -> None:
    address = f"{reverse('sessions:fork', args=[session.pk])}?entry={entry}"
    answer = signed_in(owner).get(address)
    assert (answer.status_code, "Choose a point" in answer.content.decode()) == (
        (422, True) if entry.startswith("9") else (200, False)
    )


def test_a_session_of_other_rules_says_so_on_the_form(owner: Membership) -> None:
    run = a_played_run(owner, Room().play("executing"))
    Step.objects.filter(run=run, key="log/1").delete()
    answer = signed_in(owner).get(f"{reverse('sessions:fork', args=[run.pk])}?entry=1")
    assert answer.status_code == 422
    assert "Choose a point up to 0" in answer.content.decode()


def test_a_fork_is_compared_with_what_it_was_forked_from(
    owner: Membership, session: Run, engine: Engine
) -> None:
    browser = signed_in(owner)
    given = fields(session, 1) | {
        "direction": "Only wine.",
        "participants[1].seat": "model:sim-swift",
    }
    browser.post(reverse("sessions:fork", args=[session.pk]), given)
    run = engine.execute(Run.objects.exclude(pk=session.pk).get())
    shown = browser.get(f"{reverse('runs:runs-compare')}?run={session.pk}&run={run.pk}").content.decode()
    assert "A fork, after entry 1." in shown
    assert "Participant scout: model “sim-scout” → “sim-swift”" in shown
    assert "forks the session here" in shown
    menu = browser.get(reverse("runs:run", args=[run.pk])).content.decode()
    assert reverse("sessions:report", args=[run.pk]) in menu
    assert "Compare with the one before" in menu
