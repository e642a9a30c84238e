"""Asking voters wave by wave, until all were asked or there is a reason to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchestration.engine.context import RunContext
from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.voting.stopping import Reason, Stop

Said = TypeVar("Said")


@dataclass(frozen=True, kw_only=True, slots=True)
class Waves(Generic[Said]):
    """One round of questions; `step` is the key under which its end is journaled.

    `ask` gives what a model said, or the limit that kept it from being asked. `enough` says why the models
    that it is given need not be asked any more, None to go on.
    """

    context: RunContext
    step: str
    size: int
    ask: Callable[[ChatModel], Awaitable[Said | LimitReached]]
    enough: Callable[[Sequence[ChatModel]], Stop | None]

    async def run(self, voters: Sequence[ChatModel]) -> tuple[Mapping[str, Said], Stop | None]:
        """Return what each model that was asked said, and why the others were not.

        A stop is journaled before anything follows from it: whom it leaves out is never asked later.
        """
        earlier = self.context.recall(self.step)
        if earlier is not None:
            stop = Stop.from_json(await self.context.decide(self.step, earlier))
            return await self._all([each for each in voters if each.spec.name not in stop.left_out]), stop
        said: dict[str, Said] = {}
        left = list(voters)
        while left:
            wave, left = left[: self.size or None], left[self.size :] if self.size else []
            answers, met = await self._wave(wave)
            said |= answers
            found = _limited(met, left) if met else (self.enough(left) if left else None)
            if found is not None:
                return said, Stop.from_json(await self.context.decide(self.step, found.to_json()))
        return said, None

    async def _all(self, voters: Sequence[ChatModel]) -> Mapping[str, Said]:
        """Return what an earlier life of the run had asked for, wave after wave."""
        said: dict[str, Said] = {}
        size = self.size or len(voters) or 1
        for start in range(0, len(voters), size):
            said |= (await self._wave(voters[start : start + size]))[0]
        return said

    async def _wave(self, wave: Sequence[ChatModel]) -> tuple[Mapping[str, Said], Mapping[str, LimitReached]]:
        async with asyncio.TaskGroup() as group:
            tasks = {model.spec.name: group.create_task(self._ask(model)) for model in wave}
        ended = {name: task.result() for name, task in tasks.items() if not task.cancelled()}
        met = {name: said for name, said in ended.items() if isinstance(said, LimitReached)}
        return {name: said for name, said in ended.items() if not isinstance(said, LimitReached)}, met

    async def _ask(self, model: ChatModel) -> Said | LimitReached:
        return await self.ask(model)


def _limited(met: Mapping[str, LimitReached], left: Sequence[ChatModel]) -> Stop:
    """Return the end that a limit puts to the round."""
    first = next(iter(met.values()))
    left_out = {name: str(limit) for name, limit in met.items()}
    left_out |= {model.spec.name: str(first) for model in left}
    return Stop(reason=Reason.LIMIT, because=str(first), left_out=left_out, limit=first.limit)
