"""Where a run can crash: at each write of its journal, counted on a run that nothing interrupts."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Callable

from orchestration.llm.engine.types import Json
from tests.support.clock import SkippingLoop
from tests.support.context import Stage


def crash_points(make: Callable[[], Stage], **options: Json) -> range:
    """Return the numbers of all writes of the run that `make` sets up, executed with `options`.

    They are the argument values of `pytest.mark.parametrize` for a test that calls `crash` on another such
    run: so the test covers every write, and has no case in which nothing crashes.
    """
    stage = make()
    with Runner(loop_factory=SkippingLoop) as runner:
        runner.run(stage.run(**options))
    return range(stage.log.writes)


async def crash(stage: Stage, at: int, **options: Json) -> None:
    """Execute the run until its write number `at` is lost; fail if it ends without that write."""
    assert await stage.run_until_death(at, **options), f"The run ended without a write number {at}."
