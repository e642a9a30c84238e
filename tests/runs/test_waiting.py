"""Runs that wait for messages and for moments, on a real database with real threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from celery.signals import worker_init
from django.db.models import F
from django.utils import timezone

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.resources import LoopThread
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.types import Outcome
from orchestration.runs.models import Command, CommandKind, Run, RunStatus, Timer
from orchestration.runs.services import queueing
from orchestration.runs.services.commands import LARGEST_PAYLOAD, cancel_run, send_message
from orchestration.runs.services.runtime import Runtime
from orchestration.runs.services.sweeping import seconds_to_next, sweep, wake_ready
from orchestration.runs.tasks import EngineProcess
from tests.support.engines import Engine, until
from tests.support.history import a_member
from tests.support.kinds import Story, kind_that, question, queued_run
from tests.support.models import ScriptedModel

Captured = Callable[[], AbstractContextManager[list[Callable[[], object]]]]


@pytest.fixture
def ana() -> Membership:
    return a_member(name="Ana")


@pytest.fixture
def member(transactional_db: None) -> Membership:
    return a_member(name="Ana")


def say(member: Membership, run: Run, words: str) -> Command:
    return send_message(membership=member, run=run, payload={"text": words}, check=lambda _run, given: given)


def words(count: int, timeout: float | None = None) -> Story:
    """A story that receives messages and answers with what they said."""

    async def story(context: RunContext) -> Outcome:
        received = [await context.receive(f"receive/{n}", timeout) for n in range(count)]
        return Outcome(answer=", ".join(each.payload["text"] if each else "-" for each in received))

    return story


def kinds(run: Run) -> list[str]:
    return list(run.events.values_list("kind", flat=True))


def gapless(run: Run) -> bool:
    numbers = list(run.events.values_list("seq", flat=True))
    return numbers == list(range(1, len(numbers) + 1))


def without_lingering(engine: Engine) -> Engine:
    engine.runtime.linger_s = 0.0
    return engine


def test_a_waiting_run_is_woken_by_a_message_and_receives_each_once(
    engine: Engine, member: Membership
) -> None:
    without_lingering(engine)
    with kind_that(words(2)) as kind:
        run = engine.execute(queued_run(kind, member))
        assert (run.status, run.lease_owner, Timer.objects.get().for_message) == ("waiting", "", True)
        first = say(member, run, "one")
        assert (first.run.status, first.payload) == ("queued", {"text": "one"})
        run = engine.execute(run)
        assert run.status == "waiting"
        say(member, run, "two")
        run = engine.execute(run)
    assert (run.status, run.answer, gapless(run)) == ("succeeded", "one, two", True)
    by = {"id": str(member.user_id), "name": "Ana"}
    assert run.steps.get(key="receive/0").result == {"number": first.id, "by": by, "payload": {"text": "one"}}
    assert kinds(run).count("message_received") == 2
    assert not run.commands.filter(handled_at=None).exists()
    assert not Timer.objects.exists()


def test_messages_before_the_first_claim_are_received_in_order(engine: Engine, member: Membership) -> None:
    with kind_that(words(3)) as kind:
        run = queued_run(kind, member)
        for each in ("one", "two", "three"):
            say(member, run, each)
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "one, two, three")


def test_a_lively_conversation_goes_on_without_parking(engine: Engine, member: Membership) -> None:
    with kind_that(words(3)) as kind:
        run = queued_run(kind, member)
        say(member, run, "one")
        future = engine.start(run)
        for number, each in enumerate(("two", "three")):
            until(run.steps.filter(key=f"receive/{number}").exists)
            say(member, run, each)
        future.result(10)
    run.refresh_from_db()
    assert (run.answer, "run_waited" in kinds(run), gapless(run)) == ("one, two, three", False, True)


def test_a_message_during_a_call_then_a_stop_replays_in_its_place(
    engine: Engine, loop_thread: LoopThread, member: Membership
) -> None:
    models = [ScriptedModel("a", ["late"], first_s=60), ScriptedModel("a", ["four"])]

    async def story(context: RunContext) -> Outcome:
        first = await context.receive("receive/0")
        answer = await context.ask(Metered(models.pop(0)), question(), "ask")
        second = await context.receive("receive/1")
        assert first is not None
        assert second is not None
        return Outcome(answer=f"{first.payload['text']} {answer.text} {second.payload['text']}")

    with kind_that(story) as kind:
        run = queued_run(kind, member)
        say(member, run, "one")
        future = engine.start(run)
        until(run.calls.exists)
        say(member, run, "two")
        time.sleep(0.6)  # the lease's heartbeat has read it
        loop_thread.wait_for(engine.runtime.stop(), 10)
        future.result(5)
        again = Engine(Runtime(engine.runtime.loop))
        again.runtime.start()
        run = again.execute(run)
        loop_thread.wait_for(again.runtime.stop(), 10)
    assert (run.status, run.answer, gapless(run)) == ("succeeded", "one four two", True)


def test_a_message_that_comes_while_the_run_is_being_parked_wakes_it(
    engine: Engine, member: Membership
) -> None:
    without_lingering(engine)
    with kind_that(words(1)) as kind:
        run = engine.execute(queued_run(kind, member))
        Command.objects.create(run=run, kind=CommandKind.MESSAGE, by=member.user, payload={"text": "late"})
        assert wake_ready() == [run.id]
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "late")


def test_a_message_wakes_no_run_that_waits_for_something_else(engine: Engine, member: Membership) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.wait("pause", 3600)
        return Outcome(answer="")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, member))
        assert say(member, run, "hello").run.status == "waiting"
        assert (wake_ready(), sweep()) == ([], [])


def test_a_wait_holds_no_worker_and_is_over_at_its_moment(engine: Engine, member: Membership) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.wait("pause", 3600)
        left = context.time_left()
        return Outcome(answer=f"{left:.0f}")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, member, max_latency_s=60))
        assert (run.status, run.lease_owner) == ("waiting", "")
        assert run.events.get(kind="run_waited").data == {"paused": False, "for_people": False}
        due_in = seconds_to_next()
        assert due_in is not None
        assert 3590 < due_in <= 3600
        assert sweep() == []
        Timer.objects.update(due_at=F("due_at") - timedelta(seconds=3600))
        assert seconds_to_next() == 0.0
        assert sweep() == [run.id]
        run = engine.execute(run)
    assert (run.status, run.answer, Timer.objects.count()) == ("succeeded", "60", 0)
    assert run.events.filter(kind="run_queued").get().data == {"reason": "due"}


def test_a_timeout_without_a_message_is_over_at_its_moment(engine: Engine, member: Membership) -> None:
    with kind_that(words(1, 3600)) as kind:
        run = engine.execute(queued_run(kind, member))
        Timer.objects.update(due_at=timezone.now())
        assert wake_ready() == [run.id]
        run = engine.execute(run)
    assert (run.status, run.answer) == ("succeeded", "-")


def test_a_wait_that_ends_in_memory_leaves_no_timer(engine: Engine, member: Membership) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.wait("pause", 0.2)
        return Outcome(answer="done")

    with kind_that(story) as kind:
        run = engine.execute(queued_run(kind, member))
    assert (run.status, "run_waited" in kinds(run), Timer.objects.count()) == ("succeeded", False, 0)


@pytest.fixture
def process(transactional_db: None, loop_thread: LoopThread) -> Iterator[EngineProcess]:
    process = EngineProcess(loop_thread.loop)
    yield process
    loop_thread.wait_for(process.stop(), 10)


def test_the_sweeper_wakes_a_run_at_its_moment_and_not_at_its_next_round(
    process: EngineProcess, member: Membership
) -> None:
    async def story(context: RunContext) -> Outcome:
        await context.wait("pause", 4)
        return Outcome(answer="done")

    with kind_that(story) as kind:
        process.start()
        run = queued_run(kind, member)
        Engine(process.runtime).execute(run)
        started = time.monotonic()
        until(lambda: Run.objects.get(id=run.id).status == RunStatus.QUEUED, 8)
        assert 2 < time.monotonic() - started < 6


def test_a_worker_in_a_process_that_has_an_engine_starts_no_second(process: EngineProcess) -> None:
    process.start()
    worker_init.send(sender=None)
    assert [thread.name for thread in threading.enumerate()].count("heartbeat") == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("payload", "refusal"),
    [
        ({"text": "x" * LARGEST_PAYLOAD}, "at most 64,000 can be sent"),
        ({"text": "\x00"}, "NUL"),
        ({"text": "\ud800"}, "not JSON"),
        ({"number": float("nan")}, "not JSON"),
        ({"what": object()}, "not JSON"),
        ({"refused": True}, "Say it in words."),
    ],
)
def test_a_payload_that_cannot_be_kept_is_refused(ana: Membership, payload: Json, refusal: str) -> None:
    def check(_run: Run, given: Json) -> Json:
        if "refused" in given:
            raise InvalidRequest("Say it in words.", field="payload")
        return given

    run = queued_run("any", ana)
    with pytest.raises(InvalidRequest, match=refusal) as error:
        send_message(membership=ana, run=run, payload=payload, check=check)
    assert (error.value.field, run.commands.count(), run.events.count()) == ("payload", 0, 0)


@pytest.mark.django_db
def test_words_about_a_nul_are_no_nul_and_the_kind_decides_what_the_run_gets(ana: Membership) -> None:
    run = queued_run("any", ana)
    sent = send_message(membership=ana, run=run, payload="\\u0000", check=lambda _, given: {"text": given})
    assert sent.payload == {"text": "\\u0000"}
    assert run.events.get().data == {"number": sent.id, "by": "Ana"}


@pytest.mark.django_db
def test_no_message_reaches_a_run_that_is_over_or_of_another_team(ana: Membership) -> None:
    run = queued_run("any", ana)
    with pytest.raises(Run.DoesNotExist):
        say(a_member(), run, "hello")
    cancel_run(membership=ana, run=run)
    with pytest.raises(InvalidRequest, match="over already"):
        say(ana, run, "hello")


@pytest.mark.django_db
def test_a_run_that_waited_for_the_message_is_queued_and_another_is_not(
    ana: Membership, django_capture_on_commit_callbacks: Captured
) -> None:
    waiting, busy = queued_run("any", ana), queued_run("any", ana)
    Run.objects.filter(id=waiting.id).update(status=RunStatus.WAITING)
    Run.objects.filter(id=busy.id).update(status=RunStatus.RUNNING)
    Timer.objects.create(run=waiting, step="receive", for_message=True)
    queued = []
    for run in (waiting, busy):
        with django_capture_on_commit_callbacks() as after:
            send_message(membership=ana, run=run, payload="hello", check=lambda _, given: given)
        queued.append([each for each in after if getattr(each, "func", None) is queueing.queue_task])
    assert list(map(len, queued)) == [1, 0]
