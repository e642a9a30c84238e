"""Who may answer what a run asks, and runs that start with steps of another."""

from __future__ import annotations

import asyncio

import pytest

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Audience, Outcome, Question
from orchestration.runs.engine.types import RunEvent as Own
from orchestration.runs.models import Event, HumanQuestion, Run, Step
from orchestration.runs.services.commands import answer_question
from tests.support.engines import Engine, until
from tests.support.history import a_member
from tests.support.kinds import kind_that, question, queued_run
from tests.support.models import ScriptedModel


@pytest.fixture
def ana(db: None) -> Membership:
    return a_member(Role.OPERATOR, name="Ana")


def asked(membership: Membership, **audience: list[str]) -> HumanQuestion:
    run = queued_run("any", membership)
    return HumanQuestion.objects.create(run=run, step="human", text="Go on?", audience=audience)


def test_without_an_audience_anyone_who_may_run_can_answer(ana: Membership) -> None:
    open_to_all = asked(ana)
    assert open_to_all.answerable_by == ""
    assert open_to_all.may_be_answered_by(ana)
    viewer = a_member(Role.VIEWER, ana.team)
    assert not open_to_all.may_be_answered_by(viewer)
    with pytest.raises(InvalidRequest, match="Viewers cannot answer"):
        answer_question(membership=viewer, question=open_to_all, answer="yes")


def test_others_than_the_audience_are_refused_with_the_names_of_those_who_can(ana: Membership) -> None:
    bob, chief = a_member(Role.OPERATOR, ana.team, "Bob"), a_member(Role.ADMIN, ana.team)
    for_some = asked(ana, roles=["admin", "owner"], users=[str(ana.user_id)])
    with pytest.raises(InvalidRequest, match=r"^Only Ana, owners and admins can answer\.$"):
        answer_question(membership=bob, question=for_some, answer="yes")
    assert [for_some.may_be_answered_by(each) for each in (ana, chief, bob)] == [True, True, False]
    answer_question(membership=chief, question=for_some, answer="yes")
    for_some.refresh_from_db()
    assert (for_some.answer, for_some.answered_by) == ("yes", chief.user)


def test_a_single_person_or_role_is_named_alone(ana: Membership) -> None:
    assert asked(ana, users=[str(ana.user_id)]).answerable_by == "Only Ana can answer."
    assert asked(ana, roles=["owner"]).answerable_by == "Only owners can answer."


def test_a_question_is_stored_with_its_audience(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        for_owners = Question(text="Go on?", audience=Audience(roles=("owner",), users=("7",)))
        return Outcome(answer=await context.ask_human(for_owners, "human"))

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind))
    assert run.questions.get().audience == {"roles": ["owner"], "users": ["7"]}


def test_an_answer_reaches_a_run_that_goes_on_without_parking_it(engine: Engine) -> None:
    membership = a_member()
    slow = ScriptedModel("a", ["four"], first_s=60)

    async def story(context: RunContext) -> Outcome:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(context.ask(Metered(slow), question(), "ask"))
            answer = await context.ask_human(Question(text="Go on?"), "human")
            asking.cancel()
        return Outcome(answer=answer)

    with kind_that(story) as kind:
        run = queued_run(kind, membership)
        future = engine.start(run)
        until(run.questions.exists)
        answer_question(membership=membership, question=run.questions.get(), answer="yes")
        future.result(10)
    run.refresh_from_db()
    kinds = list(run.events.values_list("kind", flat=True))
    assert (run.status, run.answer, "run_waited" in kinds) == ("succeeded", "yes", False)
    assert "command_received" not in kinds


def test_a_run_that_starts_with_anothers_steps_replays_them_at_its_first_claim(engine: Engine) -> None:
    model = ScriptedModel("a", ["four"])

    async def story(context: RunContext) -> Outcome:
        return Outcome(answer=(await context.ask(Metered(model), question(), "ask/a")).text)

    with kind_that(story) as kind:
        first = engine.execute(queued_run(kind))
        second = queued_run(kind)
        for step in Step.objects.filter(run=first):
            step.pk, step.run = None, second
            step.save()
        second = engine.execute(second)
    assert (second.status, second.answer, model.count.started) == ("succeeded", "four", 1)


def test_an_event_of_the_kinds_own_does_not_keep_a_run_from_resuming(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.emit(Own(kind="stage_skipped_because_its_condition_did_not_hold", data={"stage": 1}))
        return Outcome(answer=str(await context.ask_human(Question(text="Go on?"), "human")))

    membership = a_member()
    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, membership))
        answer_question(membership=membership, question=run.questions.get(), answer="yes")
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "yes")
    assert Event.objects.filter(run=run, kind__startswith="stage_skipped").count() == 1


def test_names_as_long_as_their_columns_are_stored(engine: Engine) -> None:
    async def story(context: RunContext) -> Outcome:
        part = context.scoped("p" * 150).scoped("q" * 150)
        await part.ask(Metered(ScriptedModel("a", ["four"])), question(), "ask/a")
        await part.emit(Own(kind="k" * 60, step="ask/a"))
        return Outcome(answer=str(await part.receive("receive", 0.1)))

    with kind_that(story) as kind:
        run = queued_run(kind)
        Run.objects.filter(id=run.id).update(ref="r" * 200)
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "None")
    keys = {*run.steps.values_list("key", flat=True), *run.calls.values_list("step", flat=True)}
    assert {len(key) for key in keys} == {200}
