"""A part of a run with step keys of its own."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.engine.context import Question, RunContext
from orchestration.engine.context.below import Below
from orchestration.engine.context.budget import Limits
from orchestration.engine.events import Event, EventKind
from orchestration.engine.types import Json
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on

LOOP_FACTORY = SkippingLoop


async def test_a_part_shares_limits_clock_and_chance_with_the_whole() -> None:
    whole = context_on(MemoryLog(), limits=Limits(calls=3, seconds=60))
    part = Below(whole, "part")
    assert part.budget is whole.budget
    assert part.random is whole.random
    assert (part.cancelled, part.budget.calls_left) == (False, 3)
    left = part.time_left()
    assert left is not None
    assert 0 < left <= 60


async def test_what_a_part_decides_is_its_own() -> None:
    log = MemoryLog()
    whole = context_on(log)
    assert await whole.decide("select", "a") == "a"
    assert await Below(whole, "part").decide("select", "b") == "b"
    assert set(log.steps) == {"select", "part/select"}
    again = context_on(MemoryLog(), past=log.past())
    assert (again.recall("select"), Below(again, "part").recall("select")) == ("a", "b")


async def test_events_of_a_part_name_steps_as_the_whole_knows_them() -> None:
    log = MemoryLog()
    part = Below(context_on(log), "part")
    await part.emit(Event(kind=EventKind.CANDIDATE_SCORED, step="ask/a", data={"step": "ask/a"}))
    await part.emit(Event(kind=EventKind.PHASE_STARTED, data={"name": "asking"}))
    scored, phase = log.events
    assert (scored.step, scored.data["step"]) == ("part/ask/a", "part/ask/a")
    assert (phase.step, "step" in phase.data) == ("", False)


async def test_what_a_part_asks_people_and_other_kinds_has_keys_of_its_own() -> None:
    async def shouting(payload: Mapping[str, Json], _context: RunContext) -> Json:
        return str(payload["words"]).upper()

    log = MemoryLog()
    whole = context_on(log, past=log.past({"part/approve": "yes"}), child=lambda _kind, _ref: shouting)
    part = Below(whole, "part")
    assert await part.ask_human(Question(text="Go on?"), "approve") == "yes"
    assert await part.run_child("kind", "ref", {"words": "done"}, "child") == "DONE"
    assert {"part/approve", "part/child"} <= set(log.steps)
