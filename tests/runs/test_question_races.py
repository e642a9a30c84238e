"""Answers and a run that goes on: with two open questions, at the deadline, when two people answer."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role
from orchestra_site.web.threads import in_thread
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs import live
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.types import Outcome, Question
from orchestration.runs.models import HumanQuestion, Run, RunStatus, Step
from orchestration.runs.services.commands import answer_question, withdraw_answer
from orchestration.runs.services.sweeping import wake_ready
from tests.support.engines import Engine, until
from tests.support.history import a_member, signed_in
from tests.support.kinds import Story, kind_that, queued_run
from tests.support.sockets import live_socket


def asks(deadline_s: float | None = None, *steps: str) -> Story:
    """Return a story that asks one question, or one for each of `steps` at once, and tells the answers."""

    async def story(context: RunContext) -> Outcome:
        question = Question(text="Go on?", deadline_s=deadline_s, default="no")
        answers = [context.ask_human(question, step) for step in steps or ("human",)]
        return Outcome(answer=" ".join(map(str, await asyncio.gather(*answers))))

    return story


def answered(membership: Membership, question: HumanQuestion, answer: Json, after_s: float = 0.0) -> str:
    """Answer in a thread of its own, and return what was said against it."""
    time.sleep(after_s)
    try:
        answer_question(membership=membership, question=question, answer=answer)
    except InvalidRequest as refusal:
        return str(refusal)
    finally:
        connections.close_all()
    return ""


def test_of_two_members_who_answer_at_once_the_first_counts(engine: Engine) -> None:
    ana = a_member(name="Ana")
    bob = a_member(Role.OPERATOR, ana.team, "Bob")
    with kind_that(asks()) as kind, ThreadPoolExecutor(2) as both:
        run = engine.execute(queued_run(kind, ana))
        question = run.questions.get()
        said = [both.submit(answered, who, question, who.user.name) for who in (ana, bob)]
        refusals = [each.result() for each in said]
        run = engine.execute(run)
    winner = "Ana" if refusals[0] == "" else "Bob"
    assert sorted(refusals) == ["", f"{winner} has answered this question already."]
    assert (run.status, run.answer) == ("succeeded", winner)


def test_each_of_two_open_questions_lets_the_run_go_on(engine: Engine) -> None:
    ana = a_member()
    with kind_that(asks(None, "human/a", "human/b")) as kind:
        run = engine.execute(queued_run(kind, ana))
        answer_question(membership=ana, question=run.questions.get(step="human/b"), answer="second")
        run = engine.execute(run)
        assert run.status == RunStatus.WAITING
        assert [each.step for each in HumanQuestion.objects.open()] == ["human/a"]
        answer_question(membership=ana, question=run.questions.get(step="human/a"), answer="first")
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "first second")


def test_an_answer_just_before_the_deadline_counts_and_one_after_it_is_refused(engine: Engine) -> None:
    ana = a_member()
    with kind_that(asks(0.4, "human/a", "human/b")) as kind:
        run = queued_run(kind, ana)
        going = engine.start(run)
        until(lambda: run.questions.count() == 2)
        answer_question(membership=ana, question=run.questions.get(step="human/a"), answer="yes")
        late = run.questions.get(step="human/b")
        until(lambda: late.is_late(timezone.now()))
        with pytest.raises(InvalidRequest, match="The time to answer this has passed"):
            answer_question(membership=ana, question=late, answer="yes")
        going.result(20)
    run.refresh_from_db()
    assert (run.status, run.answer) == ("succeeded", "yes no")


@pytest.mark.parametrize("early_s", [0.04, 0.0, -0.04])
def test_at_the_deadline_a_parked_run_takes_what_its_row_says(engine: Engine, early_s: float) -> None:
    ana = a_member()
    with kind_that(asks(60)) as kind, ThreadPoolExecutor(1) as other:
        run = engine.execute(queued_run(kind, ana))
        due = timezone.now() + timedelta(seconds=0.1)
        run.questions.update(deadline_at=due)
        question = run.questions.get()
        said = other.submit(answered, ana, question, "yes", 0.1 - early_s)
        until(lambda: wake_ready() or Run.objects.filter(pk=run.pk, status=RunStatus.QUEUED).exists())
        run = engine.execute(run)
    was_in_time = said.result() == ""
    assert run.answer == ("yes" if was_in_time else "no")
    assert (run.questions.get().answered_at is not None) == was_in_time


def test_a_withdrawn_answer_leaves_the_run_waiting(engine: Engine) -> None:
    ana = a_member()
    with kind_that(asks()) as kind:
        run = engine.execute(queued_run(kind, ana))
        answer_question(membership=ana, question=run.questions.get(), answer="yes")
        withdraw_answer(membership=ana, question=run.questions.get())
        run = engine.execute(run)
        assert (run.status, Step.objects.filter(run=run).count()) == (RunStatus.WAITING, 0)
        answer_question(membership=ana, question=run.questions.get(), answer="no")
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "no")


@pytest.mark.django_db(transaction=True)
async def test_the_count_on_every_page_is_what_its_member_may_answer() -> None:
    ana = await in_thread(a_member, Role.OPERATOR, None, "Ana")
    run = await in_thread(queued_run, "any", ana)

    def ask(step: str, **audience: list[str]) -> HumanQuestion:
        return HumanQuestion.objects.create(run=run, step=step, text="?", audience=audience)

    client = await in_thread(signed_in, ana)
    async with live_socket(f"/ws/team/{ana.team_id}/", client) as socket:
        assert "for you" not in await socket.next()
        question = await in_thread(ask, "a")
        await in_thread(lambda: ask("b", roles=["owner"]))
        await live.notify_team(ana.team_id)
        assert "1 question waits for you" in await socket.next()
        await in_thread(Run.objects.filter(pk=run.pk).update, status=RunStatus.WAITING)
        await in_thread(lambda: answered(ana, question, "yes"))
        await live.notify_team(ana.team_id)
        assert "for you" not in await socket.next()


def test_the_top_bar_is_notified_of_a_question_although_the_run_goes_on(engine: Engine) -> None:
    notified: list[object] = []
    engine.runtime.recorder._changed = lambda _, teams: notified.extend(teams)
    ana = a_member()
    with kind_that(asks(2)) as kind:
        run = queued_run(kind, ana)
        going = engine.start(run)
        until(lambda: notified)
        assert Run.objects.get(pk=run.pk).status == RunStatus.RUNNING
        assert answered(ana, run.questions.get(), "yes") == ""
        going.result(20)
