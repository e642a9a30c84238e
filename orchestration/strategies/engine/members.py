"""Asking a member of the panel for its answer, on the way to which it may call tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from orchestration.expressions.values import off_loop
from orchestration.llm.engine.errors import ModelError
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.types import Completion, Json, Prompt, ToolCall, Usage
from orchestration.runs.engine.tool_calls import shown_text
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.strategies.engine.asking import (
    READ_AT_ONCE,
    StepTimer,
    answered,
    ask_step,
    round_step,
    tool_step,
)
from orchestration.strategies.engine.rounds import single_error
from orchestration.strategies.engine.tool_use import (
    MOST_CALLS,
    Toolbox,
    failure_text,
    read_arguments,
    result_text,
    room_for_results,
    with_results,
)
from orchestration.strategies.engine.types import Candidate, Request
from orchestration.tools.engine.tool import ToolFailed


async def ask_member(
    model: ChatModel,
    prompt: Prompt,
    timer: StepTimer,
    *,
    request: Request,
    on_error: Callable[[ChatModel, ModelError], None] = lambda *_: None,
) -> Candidate:
    """Return a member's answer, or a failed candidate with the model's error. Raises `LimitReached`.

    It may call the request's tools. `on_error` is called with the error before the candidate is returned.
    """
    name = model.spec.name
    asked = _Rounds(model=model, timer=timer, toolbox=await Toolbox.of(request, model.spec, timer.context))
    try:
        completion = await asked.run(prompt)
    except ModelError as error:
        on_error(model, error)
        return Candidate(model=name, step=timer.key(ask_step(name)), state="failed", error=str(error))
    read = partial(answered, name, timer.key(asked.step), completion, question=request.text)
    return await off_loop(len(completion.text) + len(request.text), read, at_most=READ_AT_ONCE)


@dataclass(kw_only=True, slots=True)
class _Rounds:
    """A model on the way to one answer: it is asked, its tool calls are made, and it is asked again.

    `step` is the key of the last round. The keys of rounds and calls come from their numbers, so that each
    replays by itself; that of the first round is the one without tools.
    """

    model: ChatModel
    timer: StepTimer
    toolbox: Toolbox
    step: str = ""
    asked: list[Completion] = field(default_factory=list)
    calls: int = 0

    async def run(self, prompt: Prompt) -> Completion:
        """Ask until the model answers; the result has the usage, cost and time of all rounds together."""
        prompt, room = self.toolbox.offered(prompt), room_for_results(self.model.spec)
        while True:
            last = len(self.asked) + 1 == self.toolbox.rounds
            completion = await self._ask(replace(prompt, tools=()) if last else prompt)
            if last or not completion.tool_calls:
                return self._whole(completion)
            results = await self._call_all(completion.tool_calls[:MOST_CALLS], room)
            room -= sum(map(len, results))
            written = sum(len(call.arguments) for call in completion.tool_calls)
            prompt = await off_loop(written, with_results, prompt, completion, results, at_most=READ_AT_ONCE)

    async def _ask(self, prompt: Prompt) -> Completion:
        name, number = self.model.spec.name, len(self.asked) + 1
        self.step = round_step(name, number)
        with self.timer.step(self.step, name):
            completion = await self.timer.context.ask(self.model, prompt, self.step)
        self.asked.append(completion)
        return completion

    async def _call_all(self, calls: Sequence[ToolCall], room: int) -> list[str]:
        """Make the calls of a round at the same time and return their results, which share the room."""
        first, share = self.calls + 1, room // len(calls)
        self.calls += len(calls)
        with single_error():
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._call(each, number, share))
                    for number, each in enumerate(calls, start=first)
                ]
        return [task.result() for task in tasks]

    async def _call(self, call: ToolCall, number: int, room: int) -> str:
        """Make a call and return the text of its result; of a failure the model is told, too."""
        name, context = self.model.spec.name, self.timer.context
        key = tool_step(name, number)
        shown: dict[str, Json] = {"model": name, "arguments": shown_text(call.arguments)}
        try:
            tool = self.toolbox.named(call)
            written = call.arguments
            arguments = await off_loop(len(written), read_arguments, written, at_most=READ_AT_ONCE)
        except ToolFailed as error:
            data = {"tool": call.name, "seconds": 0.0, "ok": False, "error": str(error), **shown}
            await context.emit(RunEvent(kind=EventKind.TOOL_ENDED, step=key, data=data))
            return failure_text(error, room)
        try:
            with self.timer.step(key, tool.name):
                result = await context.use_tool(tool.name, arguments, key, event_data=shown)
        except ToolFailed as error:
            return failure_text(error, room)
        return result_text(result, room)

    def _whole(self, last: Completion) -> Completion:
        """Return the last completion with what all rounds took."""
        if len(self.asked) == 1:
            return last
        timing = self.timer.context.timing
        first, end = timing(ask_step(self.model.spec.name)), timing(self.step)
        costs = [each.cost_usd for each in self.asked]
        known = [cost for cost in costs if cost is not None]
        return replace(
            last,
            usage=Usage(
                input_tokens=sum(each.usage.input_tokens for each in self.asked),
                output_tokens=sum(each.usage.output_tokens for each in self.asked),
                estimated=any(each.usage.estimated for each in self.asked),
                cached_input_tokens=sum(each.usage.cached_input_tokens for each in self.asked),
            ),
            cost_usd=sum(known, Decimal(0)) if len(known) == len(costs) else None,
            latency_s=end.started_s + end.seconds - first.started_s if first and end else last.latency_s,
            cached=all(each.cached for each in self.asked),
        )
