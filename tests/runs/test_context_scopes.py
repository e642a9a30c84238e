"""Parts of a run: keys of their own, short enough to be stored, everything else shared."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.context import RunContext
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import LONGEST, bounded
from orchestration.runs.engine.types import EventKind, Question, RunEvent
from orchestration.strategies.engine.types import StrategyEvent
from tests.support.clock import SkippingLoop
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of

LOOP_FACTORY = SkippingLoop
LONG = "x" * 150


async def test_a_part_shares_limits_clock_and_chance_with_the_whole() -> None:
    whole = context_on(MemoryLog(), limits=Limits(calls=3, seconds=60))
    part = whole.scoped("part")
    assert part.budget is whole.budget
    assert part.random is whole.random
    assert (part.cancelled, part.budget.calls_left) == (False, 3)
    left = part.time_left()
    assert left is not None
    assert 0 < left <= 60


async def test_longer_time_limits_hold_in_all_parts_and_children_and_nowhere_else() -> None:
    found: list[float] = []

    async def child(_payload: Mapping[str, Json], context: RunContext) -> Json:
        found.append(context.with_timeouts(1.5).timeout_factor)
        return None

    whole = context_on(MemoryLog(), child=lambda *_: child)
    longer = whole.with_timeouts(2)
    await longer.part("a").scoped("b").run_child("strategy", "voting", {}, step="c")
    assert (whole.timeout_factor, longer.timeout_factor, found) == (1.0, 2.0, [3.0])


async def test_what_a_part_decides_is_its_own() -> None:
    log = MemoryLog()
    whole = context_on(log)
    assert await whole.decide("select", "a") == "a"
    assert await whole.scoped("part").decide("select", "b") == "b"
    assert set(log.steps) == {"select", "part/select"}
    again = context_on(MemoryLog(), replay=log.replay())
    assert (again.recall("select"), again.scoped("part").recall("select")) == ("a", "b")


async def test_events_of_a_part_name_steps_as_the_whole_knows_them() -> None:
    log = MemoryLog()
    part = context_on(log).scoped("part")
    await part.emit(RunEvent(kind=StrategyEvent.CANDIDATE_SCORED, step="ask/a", data={"step": "ask/a"}))
    await part.emit(RunEvent(kind=EventKind.PHASE_STARTED, data={"name": "asking", "step": 3}))
    scored, phase = log.events
    assert (scored.step, scored.data["step"]) == ("part/ask/a", "part/ask/a")
    assert (phase.step, phase.data["step"]) == ("", 3)


async def test_what_a_part_asks_people_and_other_kinds_has_keys_of_its_own() -> None:
    async def shouting(payload: Mapping[str, Json], _context: RunContext) -> Json:
        return str(payload["words"]).upper()

    log = MemoryLog()
    whole = context_on(log, replay=log.replay({"part/approve": "yes"}), child=lambda *_: shouting)
    part = whole.scoped("part")
    assert await part.ask_human(Question(text="Go on?"), "approve") == "yes"
    assert await part.run_child("kind", "ref", {"words": "done"}, step="child") == "DONE"
    assert {"part/approve", "part/child"} <= set(log.steps)


async def test_parts_of_parts_have_both_names_and_no_step_stays_none() -> None:
    inner = context_on(MemoryLog()).scoped("outer").scoped("inner")
    assert (inner.key("ask/a"), inner.key("")) == ("outer/inner/ask/a", "")


async def test_keys_are_bounded_with_their_prefix_and_stay_different() -> None:
    log = MemoryLog()
    deep = context_on(log).scoped(LONG).scoped(LONG)
    for end in "ab":
        await deep.ask(Metered(ScriptedModel(end)), prompt_of("?"), f"ask/{end}")
        await deep.emit(
            RunEvent(kind=EventKind.PHASE_STARTED, step=f"ask/{end}", data={"step": f"ask/{end}"})
        )
    assert len(log.steps) == 2
    named = {*log.steps, *(call.step for call in log.started), *(event.step for event in log.events)}
    assert named == set(log.steps)
    assert {len(key) for key in named} == {LONGEST}


async def test_a_bounded_key_replays_is_timed_and_recalled() -> None:
    log = MemoryLog()
    await context_on(log).scoped(LONG).scoped(LONG).decide("select", "a")
    again = context_on(MemoryLog(), replay=log.replay()).scoped(LONG).scoped(LONG)
    assert again.recall("select") == "a"
    assert again.timing("select") is None
    assert await again.decide("select", "b") == "a"
    assert again.timing("select") is not None


def test_a_key_that_is_short_enough_stays_and_a_long_one_is_cut_once() -> None:
    assert bounded("x" * LONGEST) == "x" * LONGEST
    cut = bounded("x" * 300)
    assert (len(cut), bounded(cut)) == (LONGEST, cut)
