"""A run in memory from its start to its end, through every crash and every time it is parked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.claim import StartChild, StartTool, no_tools
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.records import StepKind
from orchestration.runs.engine.types import Person, Received
from tests.support.context import MortalLog
from tests.support.logs import MIDNIGHT, context_on, no_child

ANA = Person(id="7", name="Ana")
Story = Callable[[RunContext], Awaitable[Json]]


def message(number: int, text: str) -> Received:
    """Return a message of Ana's."""
    return Received(number=number, by=ANA, payload={"text": text})


@dataclass
class Lives:
    """Runs `story`; messages and answers arrive at their seconds of the loop's time after the start.

    A claim follows a crash at once, and a parked run once something that it may wait for has come.
    """

    story: Story
    messages: Mapping[float, Received] = field(default_factory=dict)
    answers: Mapping[float, tuple[str, Json]] = field(default_factory=dict)
    linger_s: float = 60.0
    child: StartChild = no_child
    tool: StartTool = no_tools
    log: MortalLog = field(default_factory=MortalLog)
    parked_at: list[float] = field(default_factory=list)
    started: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return asyncio.get_running_loop().time() - self.started

    async def run(self, dies_at: int | None = None) -> Json:
        """Run to the end, dying once at write number `dies_at` (from 0)."""
        self.log.dies_at = dies_at
        while True:
            context = self._claim()
            life = asyncio.ensure_future(self.story(context))
            context.control.attach(life)
            death = asyncio.ensure_future(self.log.dead.wait())
            await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
            died = self.log.dead.is_set()
            context.control.stop(StopReason.STOPPING)
            death.cancel()
            await asyncio.gather(life, death, return_exceptions=True)
            if died:
                self.log.live_again()
            elif context.control.reason is StopReason.PARKED:
                self.parked_at.append(round(self.seconds, 1))
                await self._something_comes()
            else:
                return life.result()

    def _claim(self) -> RunContext:
        arrived = [each for at, each in self.messages.items() if at <= self.seconds]
        answers = {step: answer for at, (step, answer) in self.answers.items() if at <= self.seconds}
        context = context_on(
            self.log,
            replay=self.log.replay(answers, arrived),
            linger_s=self.linger_s,
            child=self.child,
            tool=self.tool,
        )
        loop = asyncio.get_running_loop()
        for at, each in self.messages.items():
            loop.call_at(self.started + at, context.control.deliver, each)
        for at, (step, answer) in self.answers.items():
            if at > self.seconds:
                loop.call_at(self.started + at, context.control.answer, step, answer)
        return context

    async def _something_comes(self) -> None:
        """Sleep until a message or an answer comes, or a pending step is due."""
        pending = [due for step, due in self.log.timers.items() if step not in self.log.steps]
        due = [(moment - MIDNIGHT).total_seconds() - self.started for moment in pending if moment]
        coming = [at for at in (*self.messages, *self.answers) if at > self.seconds]
        await asyncio.sleep(max(0.0, min([*due, *coming]) - self.seconds))

    @property
    def received(self) -> list[int]:
        """Numbers of the messages that steps received, in the order of the journal."""
        steps = [step for step in self.log.steps.values() if step.kind is StepKind.RECEIVE]
        return [step.result["number"] for step in steps if step.result is not None]
