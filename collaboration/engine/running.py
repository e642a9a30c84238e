"""A session at work: actions are done in parallel, and the reducer is given what comes of them in one order.

Where each entry came from is journaled (`log/<n>`) before it is worked in; what came is in the steps of its
source already. So a replay gives the same entries in the same order. Meanwhile a source is started only when
its entry is due: nothing is asked again whose answer was not wanted any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from collaboration.engine.answers import CUT, ActionKind
from collaboration.engine.contexts import prompt, question
from collaboration.engine.lineup import Participant
from collaboration.engine.records import Row, session_row
from collaboration.engine.replaying import (
    ACTION,
    LIMIT,
    LOG,
    MESSAGE,
    TIME,
    SessionStart,
    missed_by,
    replay,
)
from collaboration.engine.session import advance, wake_at
from collaboration.engine.state import (
    Acted,
    Action,
    Answered,
    Ended,
    Entry,
    Missed,
    SessionState,
    SessionStep,
    TimePassed,
)
from orchestration.expressions.values import off_loop
from orchestration.llm.engine.errors import ContextWindowExceeded, EngineError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, FinishReason, Json, Prompt
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.errors import LeaseLost, LimitReached, ReplayMismatch
from orchestration.runs.engine.types import Received

BEGAN, ROWS = "session.began", "session"
RUNNER = ""
CANCELLED = "The session was cancelled."
MOST_HALVINGS = 3
"""How often a prompt that a model cannot read is shortened to half of what it was."""
WORKED_AT_ONCE = 25_000
"""Characters of answers and results that are worked in on the event loop."""
REPLAYED_AT_ONCE = 10
"""Entries of another session that are replayed on the event loop."""
Arrived = Answered | Missed | Received | None
Source = Callable[[], Awaitable[Arrived]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionInput:
    """What a session is given. `models` are by name, `clock` tells the date and time.

    The entries of `start` are replayed: they are of the session that this one is a fork of.
    """

    start: SessionStart
    models: Mapping[str, ChatModel]
    clock: Callable[[], datetime]


async def run_session(given: SessionInput, context: RunContext) -> SessionState:
    """Run a session to its end, whichever that is, and return how it ended."""
    return await _SessionRun(given, context).run()


class _SessionRun:
    """One session, from its start or from its journal. Time is seconds since it began, waiting included."""

    def __init__(self, given: SessionInput, context: RunContext) -> None:
        self._given, self._context = given, context
        self._state: SessionState | None = None
        self._sources: dict[str, Source] = {}
        self._tasks: dict[str, asyncio.Task[Arrived]] = {}
        self._cancelled: list[asyncio.Task[Arrived]] = []
        self._entries = self._messages = self._waits = 0
        self._held: set[str] = set()
        self._due: float | None = None
        self._began = given.clock()
        self._at, self._charged = 0.0, Decimal(0)

    async def run(self) -> SessionState:
        """Work in one entry after the other until the session has ended."""
        began = await self._context.decide(BEGAN, self._began.isoformat())
        self._hold(RUNNER)
        step = await self._open(datetime.fromisoformat(began))
        self._listen()
        try:
            await self._follow(step)
            while not step.state.phase.has_ended:
                entry = await self._next_entry()
                weight = _weight(step.state, entry)
                step = await off_loop(weight, advance, step.state, entry, at_most=WORKED_AT_ONCE)
                self._record(session_row(self._state, step, self._at))
                await self._follow(step)
        except asyncio.CancelledError:
            if self._context.control.keeps_journal and not step.state.phase.has_ended:
                end = Ended(at=self._at, words=CANCELLED, cancelled=True)
                self._entries += 1
                self._record(session_row(self._state, advance(step.state, end), self._at))
            raise
        finally:
            await self._cancel_all()
        return step.state

    async def _open(self, began: datetime) -> SessionStep:
        """Return the first step, or the last one that is replayed, with all rows up to it recorded."""
        start = self._given.start
        found = await off_loop(len(start.entries), replay, start, at_most=REPLAYED_AT_ONCE)
        for number, row in enumerate(found.rows):
            self._entries = number
            self._record(row)
        self._state, self._at = found.before, found.at
        self._began = began - timedelta(seconds=found.at)
        return found.step

    async def _next_entry(self) -> Entry:
        """Return what happened next: what the journal says, or what comes first. Raises `EngineError`."""
        self._entries += 1
        journal, step = self._context.part(LOG), str(self._entries)
        note = journal.recall(step) or await self._arrival()
        try:
            note = await journal.decide(step, note)
        except LimitReached as error:  # no step is left, in a replay neither
            note |= {"from": LIMIT, "words": str(error)}
        self._at = note["at"]
        if note["from"] == LIMIT:
            return Ended(at=self._at, words=note["words"])
        came = await self._task(note["from"])
        del self._sources[note["from"]], self._tasks[note["from"]]
        self._release(note["from"])
        if isinstance(came, Received):
            self._listen()
            return Acted(at=self._at, by=came.by, payload=came.payload)
        if came is None:
            self._due = None
            return TimePassed(at=self._at)
        self._charged += Decimal(note["cost"])
        return replace(came, at=self._at, cost_usd=Decimal(note["cost"]))

    async def _arrival(self) -> dict[str, Json]:
        """Wait for what comes first, and return what the journal says of it. Raises `EngineError`."""
        tasks = {name: self._task(name) for name in self._sources}
        self._release(RUNNER)
        await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        self._hold(RUNNER)
        name = next(name for name, task in tasks.items() if task.done())
        elapsed = (self._given.clock() - self._began).total_seconds()
        at = max(self._at, elapsed, self._due or 0.0 if name == TIME else 0.0)
        cost = self._context.budget.spent - self._charged
        note: dict[str, Json] = {"from": name, "at": at, "cost": str(cost)}
        error = tasks[name].exception()
        if isinstance(error, LimitReached):
            return note | {"from": LIMIT, "words": str(error)}
        if error is not None:
            raise error
        return note

    def _task(self, name: str) -> asyncio.Task[Arrived]:
        """Return the task of a source, which is started if it was not."""
        if name not in self._tasks:
            self._hold(name)
            self._tasks[name] = asyncio.ensure_future(self._come(name, self._sources[name]))
        return self._tasks[name]

    async def _come(self, name: str, source: Source) -> Arrived:
        """Return what comes from a source. The run can be parked only while that itself waits."""
        self._release(name)
        try:
            return await source()
        finally:
            if self._tasks.get(name) is asyncio.current_task():
                self._hold(name)

    def _hold(self, name: str) -> None:
        """Keep the run from being parked until `_release`: something has to be worked in."""
        self._held.add(name)
        self._context.control.hold()

    def _release(self, name: str) -> None:
        if name in self._held:
            self._held.remove(name)
            self._context.control.release()

    async def _follow(self, step: SessionStep) -> None:
        """Do what follows from an entry: withdraw what is not wanted, offer what is next."""
        for number in step.withdrawn:
            await self._withdraw(str(number), waits=self._is_for_person(number))
        self._state = step.state
        for action in step.actions:
            self._sources[str(action.number)] = partial(self._done, action, step.state)
        if (due := wake_at(step.state)) != self._due:
            await self._withdraw(TIME, waits=True)
            self._due = due
            if due is not None:
                self._waits += 1
                self._sources[TIME] = partial(self._wait, self._waits, due)

    def _record(self, row: Row) -> None:
        """Record the row of an entry; where that is one step too many, the next entry ends the session."""
        about: dict[str, Json] = {"session": [each["number"] for each in row.get("messages", ())]}
        with suppress(LimitReached):
            self._context.part(ROWS).record(str(self._entries), row, about)
            return
        self._context.part(ROWS).record(str(self._entries), row, about)

    def _is_for_person(self, number: int) -> bool:
        before = self._state
        action = before.pending.get(number) if before is not None else None
        is_person = action is not None and before is not None and _who(before, action).is_person
        return is_person and action is not None and action.kind is not ActionKind.TOOL

    async def _withdraw(self, name: str, *, waits: bool) -> None:
        """Cancel what is under way.

        One that `waits` durably is started before, if it was not: a crash may have left its question or timer
        open after the entry that withdrew it.
        """
        if name not in self._sources:  # held back by a pause, or taken already
            return
        if waits and name not in self._tasks:
            self._task(name)
            await asyncio.sleep(0)
        del self._sources[name]
        if (task := self._tasks.pop(name, None)) is not None:
            self._release(name)
            task.cancel()
            self._cancelled.append(task)

    async def _cancel_all(self) -> None:
        """Cancel whatever is under way, and wait until it has ended."""
        tasks = [*self._tasks.values(), *self._cancelled]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name in tuple(self._held):
            self._release(name)

    def _listen(self) -> None:
        """Offer the next message of a person as a source."""
        self._messages += 1
        self._sources[MESSAGE] = partial(self._context.part(MESSAGE).receive, str(self._messages))

    async def _wait(self, number: int, due: float) -> None:
        await self._context.part(TIME).wait(str(number), self._began + timedelta(seconds=due))

    async def _done(self, action: Action, state: SessionState) -> Answered | Missed:
        """Do an action, asked for in a state. Raises `LimitReached`, and what ends the whole run."""
        try:
            content = await self._content(action, state, self._context.part(f"{ACTION}/{action.number}"))
        except (LimitReached, ReplayMismatch, LeaseLost):
            raise
        except EngineError as error:
            return Missed(at=0.0, action=action.number, why=missed_by(error.code), words=str(error))
        if content is None and action.deadline_s is not None:
            return Missed(at=0.0, action=action.number, why="expired")
        return Answered(at=0.0, action=action.number, content=content)

    async def _content(self, action: Action, state: SessionState, context: RunContext) -> Json:
        """Return what came of an action; None where a person let its time pass. Raises `EngineError`."""
        who = _who(state, action)
        if action.kind is ActionKind.TOOL:
            return await context.use_tool(action.tool, action.arguments, "tool")
        if who.is_person:
            return await context.ask_human(question(state, action), "ask")
        model = self._given.models[who.model]
        room = max(model.spec.context_window // 2, model.spec.context_window - model.spec.max_output_tokens)
        if action.kind is ActionKind.WORK and (who.strategy or who.pipeline):
            text = await self._prompt(action, state, room)
            return {"text": await self._by_child(who, text.messages[-1].content, context)}
        answer = await self._asked(action, state, context, model, room)
        return answer.text + (CUT if answer.finish is FinishReason.LENGTH else "")

    async def _asked(
        self, action: Action, state: SessionState, context: RunContext, model: ChatModel, room: int
    ) -> Completion:
        """Ask a model; one that counts other tokens than were estimated is sent half as much, and again."""
        for times in range(MOST_HALVINGS):
            text = await self._prompt(action, state, room >> times)
            with suppress(ContextWindowExceeded):
                return await context.ask(model, text, f"shorter/{times}" if times else "ask")
        return await context.ask(model, await self._prompt(action, state, room >> MOST_HALVINGS), "shortest")

    async def _prompt(self, action: Action, state: SessionState, room: int) -> Prompt:
        """Return what a model is sent, within `room` tokens, while the run cannot be parked."""
        self._hold(str(action.number))
        try:
            return await off_loop(_weight(state), prompt, state, action, room, at_most=WORKED_AT_ONCE)
        finally:
            self._release(str(action.number))

    async def _by_child(self, who: Participant, text: str, context: RunContext) -> str:
        """Have a subtask done by a strategy over the models of the session, or by a pipeline.

        Raises `ChildFailed`.
        """
        if who.pipeline:
            payload: Json = {"input": {"text": text, "task": self._given.start.task}}
            found = await context.run_child("pipeline", who.pipeline, payload, step="pipeline")
        else:
            panel = list(dict.fromkeys([who.model, *self._given.models]))
            found = await context.run_child(
                "strategy",
                who.strategy,
                {"text": text, "system": who.instructions},
                panel=panel,
                step="strategy",
            )
        answer: str = found["answer"]
        return answer


def _who(state: SessionState, action: Action) -> Participant:
    """Return whose action it is."""
    return state.members[action.participant].participant


def _weight(state: SessionState, entry: Entry | None = None) -> int:
    """Return roughly how many characters are worked on: the results so far, and what has just come."""
    came = entry.content if isinstance(entry, Answered) else ""
    results = len(state.result) + sum(len(each.result) for each in state.plan.subtasks)
    return results + (len(came) if isinstance(came, str) else 0)
