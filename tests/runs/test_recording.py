"""The writer: groups, numbers, refusals, patience; and the text of lanes on its way to pages."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import BaseChannelLayer, get_channel_layer
from django.conf import settings
from django.db import IntegrityError, OperationalError

from orchestration.llm.engine.types import Delta, Purpose
from orchestration.llm.services.resources import LoopThread
from orchestration.runs import live
from orchestration.runs.engine.budget import NOTHING_SPENT
from orchestration.runs.engine.errors import LeaseLost
from orchestration.runs.engine.records import CallStarted, StepKind, StepRecord
from orchestration.runs.engine.types import EventKind, RunEvent, StepStatus
from orchestration.runs.models import Call, Run, RunStatus
from orchestration.runs.services.claims import claim_run
from orchestration.runs.services.recording.batches import Entry, RunEnded, WriteBatch
from orchestration.runs.services.recording.commit import Committed, commit_batches
from orchestration.runs.services.recording.recorder import SAVE_TEXT_EVERY_S, DatabaseRunLog, Recorder
from tests.support.engines import Engine, until
from tests.support.kinds import queued_run
from tests.support.models import spec_named

PHASE = RunEvent(kind=EventKind.PHASE_STARTED, data={"name": "asking"})


def claimed() -> Run:
    run = queued_run("any")
    claim_run(run.id, "test")
    run.refresh_from_db()
    return run


def on_loop(engine: Engine, work: Callable[[], Awaitable[None]]) -> None:
    async def call() -> None:
        await work()

    engine.runtime.submit(call()).result(15)


def channel_layer() -> BaseChannelLayer:
    layer = get_channel_layer()
    assert layer is not None
    return layer


def log_of(engine: Engine, run: Run, fence: int = 1) -> DatabaseRunLog:
    async def make() -> DatabaseRunLog:
        return DatabaseRunLog(
            recorder=engine.runtime.recorder, run=run.id, team=run.team_id, fence=fence, spent=NOTHING_SPENT
        )

    return engine.runtime.submit(make()).result(5)


def step(key: str) -> StepRecord:
    return StepRecord(key=key, kind=StepKind.DECISION, status=StepStatus.DONE, result=1)


def call_started(call: str) -> CallStarted:
    return CallStarted(
        id=call, step="ask/a", attempt=1, spec=spec_named("a"), purpose=Purpose.ANSWER, started_s=0.0
    )


def test_events_of_many_runs_are_numbered_without_gaps(engine: Engine) -> None:
    runs = [claimed() for _ in range(5)]
    logs = [log_of(engine, run) for run in runs]

    async def tell() -> None:
        await asyncio.gather(*(log.write(PHASE, PHASE) for _ in range(20) for log in logs))

    on_loop(engine, tell)
    for run in runs:
        run.refresh_from_db()
        assert (list(run.events.values_list("seq", flat=True)), run.last_seq) == ([*range(1, 42)], 41)


def test_a_late_writer_is_refused_and_the_others_are_not(engine: Engine) -> None:
    late, good = claimed(), claimed()
    late_log, good_log = log_of(engine, late, fence=0), log_of(engine, good)
    lost: list[str] = []
    late_log.lost = lambda: lost.append("late")

    async def tell() -> None:
        refused, kept = late_log.write(PHASE), good_log.write(PHASE)
        await kept
        with pytest.raises(LeaseLost):
            await refused

    on_loop(engine, tell)
    assert (late.events.count(), good.events.count(), lost) == (1, 2, ["late"])


def test_a_parcel_that_the_database_refuses_fails_alone(engine: Engine) -> None:
    bad, good = claimed(), claimed()
    bad_log, good_log = log_of(engine, bad), log_of(engine, good)

    async def tell() -> None:
        twice, kept = bad_log.write(step("a"), step("a")), good_log.write(step("a"))
        await kept
        with pytest.raises(IntegrityError):
            await twice

    on_loop(engine, tell)
    assert (bad.steps.count(), good.steps.count()) == (0, 1)


def test_a_record_that_nobody_can_write_fails_alone_and_the_writer_lives_on(engine: Engine) -> None:
    bad, good = claimed(), claimed()
    bad_log, good_log = log_of(engine, bad), log_of(engine, good)

    async def tell() -> None:
        no_json, kept = bad_log.write(replace(step("a"), result=object())), good_log.write(step("a"))
        await kept
        with pytest.raises(TypeError):
            await no_json
        await good_log.write(step("b"))

    on_loop(engine, tell)
    assert (bad.steps.count(), good.steps.count()) == (0, 2)


@pytest.mark.parametrize(
    "entries", [[step("a")], [call_started(str(uuid4()))], [RunEnded(status=RunStatus.FAILED)]]
)
def test_what_was_committed_although_its_word_got_lost_is_not_written_twice(
    transactional_db: None, loop_thread: LoopThread, entries: list[Entry]
) -> None:
    lost: list[OperationalError] = [OperationalError("server closed the connection unexpectedly")]

    def commit(parcels: Sequence[WriteBatch]) -> Committed:
        done = commit_batches(parcels)
        if lost:
            raise lost.pop()
        return done

    recorder, run = Recorder(lambda *_: None, commit), claimed()
    recorder.start()

    async def tell() -> None:
        log = DatabaseRunLog(recorder=recorder, run=run.id, team=run.team_id, fence=1, spent=NOTHING_SPENT)
        await log.write(*entries, PHASE)

    loop_thread.wait_for(tell(), 5)
    recorder.stop(5)
    assert (lost, run.events.filter(kind="phase_started").count()) == ([], 1)


def test_what_was_not_committed_is_written_after_all(transactional_db: None, loop_thread: LoopThread) -> None:
    failures = [OperationalError("the database is away")]

    def commit(parcels: Sequence[WriteBatch]) -> Committed:
        if failures:
            raise failures.pop()
        return commit_batches(parcels)

    recorder, run = Recorder(lambda *_: None, commit), claimed()
    recorder.start()

    async def tell() -> None:
        log = DatabaseRunLog(recorder=recorder, run=run.id, team=run.team_id, fence=1, spent=NOTHING_SPENT)
        await log.write(step("a"))
        failures.append(OperationalError("the database is away again"))
        await log.write(PHASE)

    loop_thread.wait_for(tell(), 5)
    recorder.stop(5)
    assert (run.steps.count(), run.events.filter(kind="phase_started").count()) == (1, 1)


def test_writes_wait_for_a_locked_database(engine: Engine) -> None:
    run = claimed()
    log = log_of(engine, run)
    holder = sqlite3.connect(
        settings.DATABASES["default"]["NAME"], check_same_thread=False, isolation_level=None
    )
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.4, lambda: holder.execute("ROLLBACK"))
    release.start()
    on_loop(engine, lambda: log.write(PHASE))
    release.join()
    holder.close()
    assert run.events.count() == 2


def test_text_reaches_watchers_in_pieces_that_join_and_is_saved(engine: Engine) -> None:
    run, call = claimed(), str(uuid4())
    log, words = log_of(engine, run), [f"word{n} " for n in range(40)]
    heard: list[dict[str, Any]] = []

    async def watch() -> None:
        layer = channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(live.run_group(run.id), channel)
        await log.write(call_started(call))
        text = ""
        for word in words:
            text += word
            log.show(call, Delta(text=text, offset=len(text) - len(word)))
            await asyncio.sleep(SAVE_TEXT_EVERY_S / 30)
        while sum(len(frame["text"]) for frame in heard) < len(text):
            message = await layer.receive(channel)
            if message["type"] == "run.text":
                heard.append(message)
        await log.close()

    on_loop(engine, watch)
    joined = ""
    for frame in heard:
        assert frame["offset"] == len(joined)
        joined += frame["text"]
    assert joined == "".join(words)
    assert 2 < len(heard) < len(words)
    until(lambda: joined.startswith(Call.objects.get(id=call).text) and Call.objects.get(id=call).text)


def test_an_attempt_that_starts_again_is_shown_from_its_start(engine: Engine) -> None:
    run, call = claimed(), str(uuid4())
    log, heard = log_of(engine, run), []

    async def watch() -> None:
        layer = channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(live.run_group(run.id), channel)
        for delta in (Delta(text="wrong start", offset=0), Delta(text="right", offset=0)):
            log.show(call, delta)
            message = await layer.receive(channel)
            heard.append((message["offset"], message["text"]))
        await log.close()

    on_loop(engine, watch)
    assert heard == [(0, "wrong start"), (0, "right")]


def test_frames_get_fewer_as_viewers_grow() -> None:
    run = uuid4()
    assert live.frame_interval(run, 3) == 0.1
    for _ in range(500):
        live.viewer_joined(run)
    assert live.frame_interval(run, 3) == 1.0
    for _ in range(500):
        live.viewer_left(run)
    assert live.frame_interval(run, 3) == 0.1
