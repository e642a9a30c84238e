"""Where a run can crash: at each write of its journal, counted on a run that nothing interrupts."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Awaitable, Callable
from typing import Protocol

from orchestration.llm.engine.types import Json
from tests.support.clock import SkippingLoop
from tests.support.context import MortalLog, Stage


class CountedRun(Protocol):
    """A run in memory whose writes are counted."""

    @property
    def log(self) -> MortalLog:
        """The run's journal."""

    @property
    def run(self) -> Callable[..., Awaitable[object]]:
        """Execute the run to its end."""


def crash_points(make: Callable[[], CountedRun], **options: Json) -> range:
    """Return the numbers of all writes of the run that `make` sets up, executed with `options`.

    They are the argument values of `pytest.mark.parametrize` for a test that crashes another such run at one
    of them: so the test covers every write, and has no case in which nothing crashes.
    """

    async def writes() -> int:
        counted = make()
        await counted.run(**options)
        return counted.log.writes

    with Runner(loop_factory=SkippingLoop) as runner:
        return range(runner.run(writes()))


async def crash(stage: Stage, at: int, **options: Json) -> None:
    """Execute the run until its write number `at` is lost; fail if it ends without that write."""
    assert await stage.run_until_death(at, **options), f"The run ended without a write number {at}."
