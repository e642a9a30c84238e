"""Asking everybody at once, and ending that early for a reason."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from orchestration.engine.context import RunContext
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.asking import Reply, Trail, ask_member
from orchestration.engine.strategies.deciding import Appraiser
from orchestration.engine.strategies.parallel.options import Select
from orchestration.engine.strategies.parallel.standing import Standing
from orchestration.engine.strategies.parallel.stopping import Stop
from orchestration.engine.types import Candidate

CUT_OFF = "Cancelled before the run went on."


@dataclass(kw_only=True, slots=True)
class Gathering:
    """One round of answers; `stop` is None when all have ended by themselves.

    A stop is journaled before anybody is cancelled; what it leaves out is never asked again.
    """

    standing: Standing
    trail: Trail
    appraiser: Appraiser
    stop: Stop | None = None

    @property
    def context(self) -> RunContext:
        """The run's."""
        return self.trail.context

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What came of each model, in the order of the panel."""
        return tuple(self._candidate(step, model) for step, model in self.standing.models.items())

    def _candidate(self, step: str, model: ChatModel) -> Candidate:
        if self.stop is not None and step in self.stop.left_out:
            return self.stop.candidate(model, step)
        if self.stop is not None and step in self.stop.unscored:
            return self.standing.answers[step].candidate
        return self.standing.ended[step].candidate

    async def gather(self) -> None:
        """Ask every model that no earlier life of the run has made needless."""
        earlier = self.context.recall("stop")
        self.stop = None if earlier is None else Stop.from_json(earlier)
        left_out = self.stop.left_out if self.stop is not None else {}
        turns = asyncio.Semaphore(self.standing.options.max_parallel)
        async with asyncio.TaskGroup() as group:
            await self._watch(
                {
                    group.create_task(self._ask(step, model, turns), name=step)
                    for step, model in self.standing.models.items()
                    if step not in left_out
                }
            )

    async def _ask(self, step: str, model: ChatModel, turns: asyncio.Semaphore) -> Reply:
        async with turns:
            self.standing.begun.add(step)
            reply = await ask_member(model, self.standing.prompt, self.trail)
        self.standing.answers[step] = reply
        too_late = self.stop is not None and step in self.stop.unscored
        if self.standing.options.select is not Select.FIRST_GOOD_ENOUGH or too_late:
            return reply
        [candidate] = await self.appraiser.score([reply.candidate], f"judge/{model.spec.name}")
        return replace(reply, candidate=candidate)

    async def _watch(self, pending: set[asyncio.Task[Reply]]) -> None:
        """Collect replies until all are there or there is a reason to stop; journal it, cancel the rest."""
        while pending:
            done, pending = await asyncio.wait(
                pending, timeout=self._patience(), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                self._keep(task)
            if self.stop is None and (stop := self._reason_to_stop()) is not None:
                self.stop = Stop.from_json(await self.context.decide("stop", stop.to_json()))
                for task in pending:
                    task.cancel()
                return

    def _keep(self, task: asyncio.Task[Reply]) -> None:
        """Keep what a task gave. Raises what broke it."""
        step = task.get_name()
        if task.cancelled():  # in an earlier life: in this one nobody is cancelled before there is a stop
            name = self.standing.models[step].spec.name
            cut = Reply(candidate=Candidate(model=name, step=step, state="cancelled", error=CUT_OFF))
            self.standing.ended[step] = self.standing.answers.get(step, cut)
        else:
            self.standing.ended[step] = task.result()

    def _reason_to_stop(self) -> Stop | None:
        return self.standing.reason_to_stop(self.context.now(), self.context.time_left())

    def _patience(self) -> float | None:
        """Return the seconds until something other than a reply may end the wait; None for no such thing."""
        if self.stop is not None:
            return None
        waits = (self.context.time_left(), self.standing.deadline_in(self.context.now()))
        return min((max(0.0, wait) for wait in waits if wait is not None), default=None)
