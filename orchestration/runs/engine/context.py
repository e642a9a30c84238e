"""`RunContext`: everything that a run may do outside itself, journaled, metered, limited and replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar, cast

from orchestration.llm.engine.errors import EngineError
from orchestration.llm.engine.types import Completion, Json, Prompt, digest, plain
from orchestration.runs.engine.budget import Ledger
from orchestration.runs.engine.claim import ClaimState
from orchestration.runs.engine.errors import ChildFailed, LeaseLost, LimitReached, ReplayMismatch, TimedOut
from orchestration.runs.engine.metering import SCOPE, StepScope
from orchestration.runs.engine.records import (
    QuestionAsked,
    StepKind,
    StepRecord,
    TimerSet,
    bounded,
    completion_from_json,
    event_digest,
    received_from_json,
    replayed,
)
from orchestration.runs.engine.tool_calls import (
    CallChoice,
    choice_question,
    given_result,
    result_question,
    shown_result,
)
from orchestration.runs.engine.types import EventKind, Question, Received, RunEvent, Timing
from orchestration.tools.engine.tool import Tool, ToolFailed, ToolSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from orchestration.llm.engine.model import ChatModel

Value = TypeVar("Value")
LONGEST_ERROR = 300
"""Characters of a tool's error in the log."""
GRACE_S = 1.0
"""How long after the deadline a call may go on: a kind that observes the deadline ends it before."""
ANSWERS_ARRIVE_S = 1.0
"""How long an answer that was accepted before its deadline may take to arrive here."""


class RunContext:
    """A run as seen by what it executes: one claim of it, or a part whose steps have a prefix, or a child.

    Steps are named by the run's structure (`ask/gpt-4o`, `judge/2`), never by the order in which things
    finish. A key used twice raises `ReplayMismatch`. Steps that ended before a crash replay without
    touching the network: a done one returns its result, a failed one raises its error, a cancelled one
    raises `CancelledError`.
    """

    def __init__(
        self,
        claim: ClaimState,
        *,
        prefix: str = "",
        depth: int = 0,
        own: set[str] | None = None,
        timeout_factor: float = 1.0,
    ) -> None:
        self.control = claim.control
        self.now = claim.now  # seconds of run time: since the first start, without the time of only waiting
        self._claim = claim
        self._prefix = prefix
        self._depth = depth
        self._own = own if own is not None else set()
        self.timeout_factor = timeout_factor  # of the time limits of its models' calls

    @property
    def random(self) -> Random:
        """Randomness from the run's seed: the same on replay."""
        return self._claim.random

    @property
    def budget(self) -> Ledger:
        """What may still be spent."""
        return self._claim.ledger

    @property
    def cancelled(self) -> bool:
        """True once the run is being ended."""
        return self.control.reason is not None

    def time_left(self) -> float | None:
        """Seconds to the deadline, None without one."""
        seconds = self._claim.limits.seconds
        return None if seconds is None else seconds - self.now()

    def timing(self, step: str) -> Timing | None:
        """Return when an ended step began and how long it took; for one that replayed, as it was then."""
        found = self._claim.timings.get(self.key(step))
        return None if found is None else Timing(started_s=found[0], seconds=found[1])

    def key(self, step: str) -> str:
        """Return a step's key in the whole run, at most 200 characters long; "" for no step."""
        return bounded(self._prefix + step) if step else ""

    def scoped(self, name: str) -> RunContext:
        """Return this run with the keys of all steps prefixed by `name`, so that parts cannot clash."""
        return self._inside(f"{self.key(name)}/", self._own)

    def part(self, name: str) -> RunContext:
        """Return this run with prefixed keys, for a part whose steps are counted by themselves."""
        return self._inside(f"{self.key(name)}/", set())

    def with_timeouts(self, factor: float) -> RunContext:
        """Return this run with the time limit of each call so many times as long, in children as well."""
        found = self._inside(self._prefix, self._own)
        found.timeout_factor *= factor
        return found

    def _inside(self, prefix: str, own: set[str], deeper: int = 0) -> RunContext:
        depth, factor = self._depth + deeper, self.timeout_factor
        return RunContext(self._claim, prefix=prefix, depth=depth, own=own, timeout_factor=factor)

    async def emit(self, event: RunEvent) -> None:
        """Emit an event, once per content; its `step` and `data["step"]` get the prefix of `scoped`."""
        data = plain(dict(event.data))
        if isinstance(data.get("step"), str):
            data["step"] = self.key(data["step"])
        event = replace(event, step=self.key(event.step), data=data)
        known = event_digest(event)
        if known not in self._claim.emitted:
            self._claim.emitted.add(known)
            self._claim.dependencies.log.write(event)

    def recall(self, step: str) -> Json:
        """Return what `decide(step, ...)` stored before a crash, None if it did not come to that.

        Check this before starting work that the decision has made needless.
        """
        record = self._claim.replay.steps.get(self.key(step))
        return record.result if record is not None and record.kind is StepKind.DECISION else None

    async def decide(self, step: str, value: Value) -> Value:
        """Journal a choice: the first time `value` is stored and returned, on replay what was stored.

        `value` is plain JSON.
        """
        record, earlier = self._open(step, StepKind.DECISION)
        if earlier is not None:
            return cast("Value", earlier.result)
        chosen = plain(value)
        await self._claim.ended(replace(record, result=chosen, started_s=self.now()))
        return cast("Value", chosen)

    def record(
        self,
        step: str,
        value: Json,
        event_data: Mapping[str, Json] | None = None,
        ended_s: float | None = None,
    ) -> None:
        """Store a pure step's result for the pages, with the next commit; `event_data` is added to its event.

        It is plain JSON that does not change any more, computed again on replay and never read back; one that
        is stored stays as it is. `ended_s` is the run time at which the step ended, None for now.
        """
        key = self.key(step)
        if self._opened(key, StepKind.RECORD) is None:
            at = self.now() if ended_s is None else ended_s
            kind = StepKind.RECORD
            self._claim.end(StepRecord(key=key, kind=kind, result=value, started_s=at, event_data=event_data))

    async def ask(self, model: ChatModel, prompt: Prompt, step: str) -> Completion:
        """Ask `model`, streaming to the pages; the result is durable before this returns.

        In a run with a money limit the answer has the limit on its length that was frozen with the model.
        Raises `ModelError` (the model's fault), `LimitReached` (money, calls or time used up).
        """
        prompt = prompt.allowed(model.spec)
        record, earlier = self._open(step, StepKind.ASK, digest(model.spec.name, prompt))
        if earlier is not None:
            return completion_from_json(replayed(earlier))
        scope = StepScope(
            step=record.key,
            log=self._claim.dependencies.log,
            ledger=self._claim.ledger,
            now=self.now,
            new_id=self._claim.dependencies.new_id,
            stopping=lambda: not self.control.keeps_journal,
        )
        await self.control.enter()
        try:
            async with self._claim.ending(record, scope.close) as entry:
                async with self._calling(scope):
                    completion = await model.complete(prompt)
                if completion.cached:
                    reused = {"model": model.spec.name}
                    await self.emit(RunEvent(kind=EventKind.ANSWER_REUSED, step=step, data=reused))
                entry["result"] = plain(completion)
        finally:
            if kept := scope.close():
                self._claim.dependencies.log.write(*kept)
            self.control.leave()
        return completion

    async def ask_human(self, question: Question, step: str) -> Json:
        """Wait for a person's answer, or for the question's deadline: then its default is the answer.

        The run is parked when nothing but waiting is pending; run time does not pass meanwhile. After the
        deadline nobody can answer; the default is taken a second later, so that an earlier answer counts.
        """
        asked = {
            name: value for name, value in plain(question).items() if name != "fails"
        }  # words for people
        record, earlier = self._open(step, StepKind.HUMAN, digest(asked))
        if earlier is not None:
            return replayed(earlier)
        key, answers = record.key, self.control.answers
        async with self._claim.ending(record) as entry:
            if key not in answers:
                event = RunEvent(kind=EventKind.QUESTION_ASKED, step=key, data={"text": question.text})
                due = self._in(question.deadline_s)
                left = await self._until(QuestionAsked(step=key, question=question, due_at=due), event)
                if not await self.control.wait(
                    lambda: key in answers,
                    lambda: None if (seconds := left()) is None else seconds + ANSWERS_ARRIVE_S,
                ):
                    self.control.answer(key, question.default)
            entry["result"] = answers[key]
        return entry["result"]

    async def receive(self, step: str, timeout: float | None = None) -> Received | None:  # noqa: ASYNC109  # it outlasts a restart
        """Return the next message of a person to this run, None when none has come within `timeout` seconds.

        Each message is received once, in the order of their numbers. The run is parked meanwhile like for a
        question, though not in the minute after a message.
        """
        record, earlier = self._open(step, StepKind.RECEIVE)
        if earlier is not None:
            return received_from_json(replayed(earlier))
        async with self._claim.ending(record) as entry:
            if not self.control.has_message and (timeout is None or timeout > 0):
                timer = TimerSet(step=record.key, due_at=self._in(timeout), for_message=True)
                left = await self._until(timer)
                await self.control.wait(lambda: self.control.has_message, left)
            # Nothing else may run between taking a message and writing it: each is received once.
            message = self.control.take_message()
            entry["result"] = plain(message)
        return message

    async def wait(self, step: str, until: datetime | float) -> None:
        """Wait until an aware date and time, or for seconds that count from the first time the step starts.

        The run is parked meanwhile unless it is a matter of seconds. Raises `TypeError` for a naive time.
        """
        record, earlier = self._open(step, StepKind.WAIT)
        if earlier is not None:
            replayed(earlier)
            return
        async with self._claim.ending(record) as entry:
            now = self._claim.dependencies.wall_clock()
            due = until if isinstance(until, datetime) else now + timedelta(seconds=until)
            if due > now:
                left = await self._until(TimerSet(step=record.key, due_at=due))
                await self.control.wait(lambda: False, left, for_people=False)
            entry["result"] = None

    def _in(self, seconds: float | None) -> datetime | None:
        now = self._claim.dependencies.wall_clock()
        return None if seconds is None else now + timedelta(seconds=seconds)

    async def _until(
        self, pending: QuestionAsked | TimerSet, *events: RunEvent
    ) -> Callable[[], float | None]:
        """Store until when a step waits, unless that was stored before.

        Returns a function that returns the seconds left until then, None without such a moment.
        """
        timers = self._claim.replay.timers
        if pending.step not in timers:
            await self._claim.dependencies.log.write(pending, *events)
        due = timers.get(pending.step, pending.due_at)
        clock = self._claim.dependencies.wall_clock
        return lambda: None if due is None else (due - clock()).total_seconds()

    async def run_child(
        self, kind: str, ref: str, payload: Mapping[str, Json], *, panel: Sequence[str] = (), step: str
    ) -> Json:
        """Run another kind inline and return its outcome as plain JSON.

        It has this run's budget and deadline, one more level of depth, and the models named by `panel`.
        Raises `ChildFailed`, and `LimitReached` for a limit that the whole run shares.
        """
        input_hash = digest(kind, ref, dict(payload), list(panel))
        record, earlier = self._open(step, StepKind.CHILD, input_hash)
        if earlier is not None:
            return replayed(earlier)
        if self._depth >= self._claim.limits.depth:
            deepest = self._claim.limits.depth
            raise LimitReached(
                f"Runs may be nested {deepest} deep; {record.key} would go deeper.", limit="depth"
            )
        child = self._claim.dependencies.child(kind, ref, panel)
        inside = self._inside(f"{record.key}/", set(), deeper=1)
        async with self._claim.ending(record) as entry:
            try:
                entry["result"] = plain(await child(payload, inside))
            except (LimitReached, LeaseLost, ReplayMismatch):
                raise
            except EngineError as error:
                if self.cancelled:
                    raise
                raise ChildFailed(str(error), code=error.code) from error
        return entry["result"]

    async def tool(self, name: str) -> ToolSpec:
        """Return what is known of a tool that the run may use. Raises `ToolFailed` for any other."""
        return (await self._claim.dependencies.tool(name)).spec

    async def use_tool(
        self,
        name: str,
        arguments: Mapping[str, Json],
        step: str,
        *,
        event_data: Mapping[str, Json] | None = None,
    ) -> Json:
        """Call a tool; its result, plain JSON, is durable before this returns.

        `event_data` is added to the event of the call's end, and then what the tool gave, shortened.
        That a call goes out is durable before, if the tool must not repeat it: where a crash left open how it
        ended, a person decides whether it is repeated. Raises `ToolFailed`, `LimitReached` (time used up).
        """
        record, earlier = self._open(step, StepKind.TOOL, digest(name, dict(arguments)))
        if earlier is not None:
            return replayed(earlier)
        events: list[RunEvent] = []
        about = dict(event_data or {})

        def ended() -> list[RunEvent]:
            return [replace(each, data={**each.data, **about}) for each in events]

        async with self._claim.ending(record, ended) as entry:
            tool = await self._claim.dependencies.tool(name)
            attempt = 1 if tool.repeats(arguments) else await self._attempt(tool, step)
            if attempt is None:
                question = result_question(tool.spec.title)
                entry["result"] = given_result(await self.ask_human(question, f"{step}/result"))
            else:
                called = self._called(tool, step, attempt)
                entry["result"] = await self._call(tool, arguments, called, events)
            about = about and {**about, "result": shown_result(entry["result"])}
        return entry["result"]

    async def _call(
        self, tool: Tool, arguments: Mapping[str, Json], called: RunEvent, events: list[RunEvent]
    ) -> Json:
        """Call a tool; what is to be recorded of the end of the call is added to `events`."""
        await self.control.enter()
        started, error = self.now(), ""
        try:
            written = self._claim.dependencies.log.write(called)
            if not tool.repeats(arguments):
                await written
            async with self._in_time():
                return plain(await tool.call(arguments))
        except ToolFailed as failed:
            error = str(failed)[:LONGEST_ERROR]
            raise
        finally:
            self.control.leave()
            ended = {"seconds": round(self.now() - started, 3), "ok": not error, "error": error}
            data = {"tool": tool.spec.name, **ended}
            events.append(RunEvent(kind=EventKind.TOOL_ENDED, step=called.step, data=data))

    async def _attempt(self, tool: Tool, step: str) -> int | None:
        """Return which attempt at a call that must not be repeated is next, None where a person has a result.

        Raises `ToolFailed` where a person decides against another one.
        """
        attempt = 1
        while event_digest(self._called(tool, step, attempt)) in self._claim.replay.emitted:
            question = choice_question(tool.spec.title)
            choice = await self.ask_human(question, f"{step}/interrupted-{attempt}")
            if choice == CallChoice.FAIL:
                raise ToolFailed(f"A call to {tool.spec.title} was interrupted, and it was not repeated.")
            if choice == CallChoice.GIVE:
                return None
            attempt += 1
        return attempt

    def _called(self, tool: Tool, step: str, attempt: int) -> RunEvent:
        data = {"tool": tool.spec.name, "attempt": attempt}
        return RunEvent(kind=EventKind.TOOL_CALLED, step=self.key(step), data=data)

    def _open(self, step: str, kind: StepKind, input_hash: str = "") -> tuple[StepRecord, StepRecord | None]:
        """Return the record of a step that starts, and how it ended before, if it did.

        Raises `ReplayMismatch` and `LimitReached`.
        """
        key = self.key(step)
        earlier = self._opened(key, kind, input_hash)
        return StepRecord(key=key, kind=kind, input_hash=input_hash), earlier

    def _opened(self, key: str, kind: StepKind, input_hash: str = "") -> StepRecord | None:
        """Count a step that starts, and return how it ended before, if it did."""
        claim, limits = self._claim, self._claim.limits
        if key in claim.seen:
            raise ReplayMismatch(f"Step {key} came twice in one run: keys must be unique.")
        if len(self._own) >= limits.steps or len(claim.seen) >= limits.steps_in_all:
            most = limits.steps if len(self._own) >= limits.steps else limits.steps_in_all
            if kind is not StepKind.RECORD or not claim.is_exhausted:
                claim.is_exhausted = True
                raise LimitReached(f"A run may have {most} steps; {key} would be one more.", limit="steps")
        claim.seen.add(key)
        self._own.add(key)
        earlier = claim.replay.steps.get(key)
        if earlier is None:
            return None
        if earlier.kind is not kind or earlier.input_hash != input_hash:
            raise ReplayMismatch(
                f"Step {key} was recorded with another input: the run cannot be replayed by this version."
            )
        claim.timings[key] = earlier.started_s, earlier.seconds
        return earlier

    @asynccontextmanager
    async def _calling(self, scope: StepScope) -> AsyncIterator[None]:
        """Meter what is called within as part of a step, in time. Raises `LimitReached`."""
        token = SCOPE.set(scope)
        try:
            async with self._in_time():
                yield
        finally:
            SCOPE.reset(token)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Allow what is called within until the run's deadline and a grace. Raises `LimitReached`."""
        left = self.time_left()
        timeout = asyncio.timeout(None if left is None else max(0.0, left) + GRACE_S)
        try:
            async with timeout:
                yield
        except TimeoutError:
            if not timeout.expired():
                raise
            passed = f"The time limit of {self._claim.limits.seconds:g} s has passed."
            raise LimitReached(f"{passed} Raise it or use faster models.", limit="seconds") from None


async def within(seconds: float | None, start: Callable[[], Awaitable[Value]], context: RunContext) -> Value:
    """Return what comes within seconds of run time. Raises `TimedOut`.

    That the time was up is journaled before the work is cancelled, so that a replay ends in the same way.
    """
    if seconds is None:
        return await start()
    failure = TimedOut(f"It took longer than {seconds:g} s.")
    if context.recall("timeout"):
        raise failure
    began = context.now()
    task = asyncio.ensure_future(start())
    try:
        while not task.done() and (left := seconds - (context.now() - began)) > 0:
            await asyncio.wait({task}, timeout=left)
        if not task.done():
            await context.decide("timeout", value=True)
            raise failure
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
