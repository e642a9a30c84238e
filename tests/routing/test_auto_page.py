"""The decision card of a run: before it starts, on its way, when it has ended, and what was learned."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.types import Json
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.routing.engine.executing import AutoEvent
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.routing.parts.auto_page import AutoPage
from orchestration.runs.engine.types import EventKind
from orchestration.runs.models import Event, Run, RunStatus, Step
from orchestration.runs.services.starting import store_run
from tests.support.history import a_member, a_run, signed_in

pytestmark = pytest.mark.django_db
SUM = "What is 17% of 2,300?"
ABOUT = {"ref": "strategy/voting", "title": "Voting", "level": "strategy", "number": 0}


@pytest.fixture
def member() -> Membership:
    member = a_member(Role.OWNER)
    seed_simulated(member.team)
    return member


@pytest.fixture
def run(member: Membership) -> Run:
    asked = {"text": SUM, "method": "strategy/voting"}
    return store_run(membership=member, kind="auto", payload=asked)


@pytest.fixture
def browser(member: Membership) -> Client:
    return signed_in(member)


def happened(run: Run, kind: str, step: str = "method/0", **data: Json) -> None:
    Event.objects.create(run=run, seq=run.events.count() + 1, kind=kind, step=step, data={**ABOUT, **data})


def ended(run: Run, status: str, **fields: Json) -> None:
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(status=status, started_at=now, finished_at=now, **fields)


def tried(run: Run, status: str, number: int = 0, **result: Json) -> None:
    key = f"method/{number}"
    Step.objects.create(
        run=run, key=key, kind="child", status=status, started_s=0, seconds=1.5, result=result or None
    )


def states(browser: Client, run: Run) -> list[str]:
    html = browser.get(f"/runs/{run.pk}/").content.decode()
    found = re.findall(
        r'<span class="attempt-state">(.*?)</span>\s*<span class="attempt-figures', html, re.DOTALL
    )
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


def test_before_it_starts_the_chain_is_shown_as_it_would_be_tried(browser: Client, run: Run) -> None:
    assert states(browser, run) == ["If needed", "If needed"]
    html = browser.get(f"/runs/{run.pk}/").content.decode()
    assert "Voting</strong> will answer" in html


def test_on_its_way_the_method_that_answers_is_named(browser: Client, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, started_at=timezone.now())
    happened(run, AutoEvent.METHOD_STARTED)
    assert states(browser, run) == ["Under way", "If needed"]
    assert "is answering" in browser.get(f"/runs/{run.pk}/").content.decode()
    happened(run, AutoEvent.METHOD_ENDED, ok=False, quality=0.1, detail="Too weak.")
    tried(run, "done", score=0.1)
    happened(run, AutoEvent.METHOD_STARTED, "method/1", number=1, title="sim-sage alone")
    assert states(browser, run) == ["Not good enough", "Under way"]
    html = browser.get(f"/runs/{run.pk}/").content.decode()
    assert "after 1 other method" in html
    assert "Too weak." in html


def test_a_run_that_failed_says_what_became_of_each_method(browser: Client, run: Run) -> None:
    for number, status in enumerate(("failed", "cancelled")):
        happened(run, AutoEvent.METHOD_STARTED, f"method/{number}")
        tried(run, status, number)
    ended(run, RunStatus.FAILED, error="No method answered.", error_code="no_method_answered")
    assert states(browser, run) == ["Failed", "Stopped"]
    assert "test the models under Models" in browser.get(f"/runs/{run.pk}/").content.decode()


def test_what_was_learned_of_the_method_is_said_once_it_is(
    browser: Client, member: Membership, run: Run
) -> None:
    outcome = {"method": "strategy/voting", "title": "Voting", "attempts": [], "candidates": [], "notes": []}
    ended(run, RunStatus.SUCCEEDED, outcome=outcome, answer="391", learned_at=timezone.now())
    assert "now has" not in browser.get(f"/runs/{run.pk}/").content.decode()
    learned = {"judged": 2.0, "quality": 1.5, "counted": 8.0, "cost_usd": 0.08, "seconds": 16.0}
    row = RouterCell.objects.create(team=member.team, ref="strategy/voting", level="kind/number", **learned)
    html = browser.get(f"/runs/{run.pk}/").content.decode()
    assert "Voting now has 8 results with questions of the kind “number”" in html
    assert "mean quality 75%), on average $0.01 and 2.0 s" in html
    RouterCell.objects.update(judged=0.0, quality=0.0)
    assert "none judged yet" in browser.get(f"/runs/{run.pk}/").content.decode()
    answered = RoutedAnswer(run=run, ref="strategy/voting")
    assert (str(row), str(answered)) == ("strategy/voting at kind/number", f"strategy/voting in {run.pk}")


def test_an_earlier_answer_and_a_baseline_are_shown(browser: Client, member: Membership, run: Run) -> None:
    other = a_run(member, SUM)
    outcome = {"method": "strategy/voting", "title": "Voting", "attempts": [], "reused": str(other.pk)}
    single = {"model": "sim-sage", "basis": "asked", "answer": "390", "quality": 0.5, "agrees": False}
    ended(run, RunStatus.SUCCEEDED, answer="391", quality=0.9, outcome={**outcome, "single": single})
    html = browser.get(f"/runs/{run.pk}/").content.decode()
    assert f'href="/runs/{other.pk}/"' in html
    assert "The run added 40 points of estimated quality to sim-sage alone." in html
    assert "It says something else:</strong> 390" in html


def test_a_run_whose_plan_is_gone_is_shown_plainly(browser: Client, member: Membership) -> None:
    run = a_run(member, SUM, kind="auto", ref="auto", request={"text": SUM})
    assert "cannot read the plan" in browser.get(f"/runs/{run.pk}/").content.decode()


def test_events_change_the_card_and_calls_only_the_models() -> None:
    page, context = AutoPage(), {"lanes": ()}
    changed = page.redraw([Event(kind=AutoEvent.METHOD_STARTED)], context)
    assert changed.sections == {"auto-card", "auto-models"}
    assert page.redraw([Event(kind=EventKind.CALL_STARTED)], context).sections == {"auto-models"}
    assert page.redraw([Event(kind=EventKind.STEP_ENDED)], context).sections == set()
    assert page.method("support") == "Auto: support"
