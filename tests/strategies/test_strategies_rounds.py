"""One round of questions to several models: bounds, waves, early stops, limits, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.metering import Metered
from orchestration.runs.engine.records import Record, StepRecord
from orchestration.strategies.engine.asking import StepTimer
from orchestration.strategies.engine.members import ask_member
from orchestration.strategies.engine.rounds import (
    CUT_OFF,
    EarlyStopReason,
    Round,
    Stop,
    candidates,
)
from orchestration.strategies.engine.types import Candidate, Request
from tests.support.clock import SkippingLoop
from tests.support.context import MortalLog
from tests.support.logs import context_on
from tests.support.models import FailingModel, ScriptedModel, SlowModel, prompt_of, saying

LOOP_FACTORY = SkippingLoop
PROMPT = prompt_of("Which answer?")
Until = Callable[[Round[Candidate]], Stop | None]


def enough(answers: int, reason: EarlyStopReason = EarlyStopReason.GOOD_ENOUGH) -> Until:
    """Return what ends a round after so many answers."""

    def until(asked: Round[Candidate]) -> Stop | None:
        if len(asked.replies) < answers:
            return None
        return asked.early_stop(reason, "That will do.", prompt=PROMPT, answers=asked.answers)

    return until


@dataclass
class Asked:
    """A round over `models`, executed again and again on the same log."""

    models: Sequence[ScriptedModel]
    until: Until = lambda _: None
    wait_s: Callable[[Round[Candidate]], float | None] = lambda _: None
    at_once: int | None = None
    wave: int | None = None
    limits: Limits = field(default_factory=Limits)
    log: MortalLog = field(default_factory=MortalLog)
    scored: list[str] = field(default_factory=list)
    scoring_s: float | None = None

    async def run(self) -> Round[Candidate]:
        timer = StepTimer(context_on(self.log, replay=self.log.replay(), limits=self.limits))
        return await Round(
            models=[Metered(model) for model in self.models],
            ask=lambda model: ask_member(model, PROMPT, timer, request=Request(text="?")),
            context=timer.context,
            score=None if self.scoring_s is None else self._score,
            until=self.until,
            wait_s=self.wait_s,
            at_once=self.at_once,
            wave=self.wave,
        ).run()

    async def _score(self, answer: Candidate) -> Candidate:
        self.scored.append(answer.model)
        await asyncio.sleep(self.scoring_s or 0)
        return answer

    async def run_until_death(self, dies_at: int) -> None:
        self.log.dies_at = dies_at
        attempt = asyncio.create_task(self.run())
        await self.log.dead.wait()
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        self.log.live_again()

    @property
    def calls(self) -> list[int]:
        return [model.count.started for model in self.models]


def states(ended: Round[Candidate]) -> list[str]:
    return [candidate.state for candidate in candidates(ended)]


def slowly(*seconds: float) -> list[ScriptedModel]:
    return [SlowModel(name, wait) for name, wait in zip("abcdef", seconds, strict=False)]


async def test_without_a_reason_to_stop_everybody_answers() -> None:
    ended = await Asked([*saying("a"), FailingModel("down", ProviderUnavailable("503"))]).run()
    assert (states(ended), ended.stop) == (["answered", "failed"], None)


async def test_no_more_are_asked_at_once_than_the_plan_allows() -> None:
    await Asked(slowly(3, 3, 3), at_once=2).run()
    assert asyncio.get_running_loop().time() == pytest.approx(1006, abs=0.1)


async def test_a_wave_is_waited_for_before_anybody_is_asked_whether_it_is_enough() -> None:
    reason = EarlyStopReason.SETTLED
    asked = Asked(slowly(1, 5, 1), enough(1, reason), wave=2)
    ended = await asked.run()
    assert asked.calls == [1, 1, 0]
    assert states(ended) == ["answered", "answered", "cancelled"]
    assert ended.stop is not None
    assert ended.stop.sentence.startswith("That will do. 1 call not started, an estimated")


async def test_without_waves_it_ends_as_soon_as_it_is_enough() -> None:
    asked = Asked(slowly(1, 5, 50), enough(1))
    ended = await asked.run()
    assert states(ended) == ["answered", "cancelled", "cancelled"]
    assert ended.stop is not None
    assert ended.stop.sentence.startswith("That will do. 2 calls not finished")
    assert ended.stop.decision.options == ("b", "c")


async def test_time_may_end_it_where_no_answer_does() -> None:
    deadline = enough(0, EarlyStopReason.DEADLINE)
    asked = Asked(
        slowly(50),
        until=lambda asked: deadline(asked) if asyncio.get_running_loop().time() >= 1004 else None,
        wait_s=lambda _: 1004 - asyncio.get_running_loop().time(),
    )
    ended = await asked.run()
    assert (states(ended), candidates(ended)[0].error) == (["missing"], "No answer in time. That will do.")


async def test_where_nobody_is_left_out_there_is_no_stop() -> None:
    ended = await Asked(saying("a", "b"), enough(2)).run()
    assert (states(ended), ended.stop) == (["answered", "answered"], None)


@pytest.mark.parametrize(("wave", "calls"), [(None, [1, 0, 0]), (1, [1, 0, 0])])
async def test_a_limit_ends_it_and_becomes_the_reason(wave: int | None, calls: list[int]) -> None:
    asked = Asked(saying("a", "b", "c"), wave=wave, limits=Limits(calls=1))
    ended = await asked.run()
    assert (asked.calls, states(ended)) == (calls, ["answered", "missing", "missing"])
    assert ended.stop is not None
    assert (ended.stop.limit, ended.stop.sentence) == ("calls", ended.stop.because)


async def test_an_answer_that_is_there_but_not_yet_scored_stays_an_answer() -> None:
    asked = Asked(
        slowly(1, 2, 50), lambda asked: enough(2)(asked) if "a" in asked.ended else None, scoring_s=5
    )
    ended = await asked.run()
    assert (states(ended), asked.scored) == (["answered", "answered", "cancelled"], ["a", "b"])
    assert ended.stop is not None
    assert ended.stop.unscored == ["b"]
    again = await asked.run()
    assert (states(again), asked.scored) == (states(ended), ["a", "b", "a"])


async def test_a_stop_is_committed_before_anybody_is_cancelled() -> None:
    asked = Asked(slowly(1, 50), enough(1))
    closed: list[int] = []

    def watch(record: Record) -> None:
        if isinstance(record, StepRecord) and record.key == "stop":
            closed.append(asked.models[1].count.closed_early)

    asked.log.before_commit = watch
    await asked.run()
    assert (closed, asked.models[1].count.closed_early) == ([0], 1)


async def test_a_stop_that_ended_another_round_does_not_end_this_one() -> None:
    first = Asked(saying("a", "b"), limits=Limits(calls=1))
    await first.run()
    ended = await Asked(saying("c"), log=first.log).run()
    assert (states(ended), ended.stop) == (["answered"], None)


async def test_a_call_that_an_earlier_attempt_cancelled_is_not_repeated() -> None:
    asked = Asked(slowly(1, 50))
    attempt = asyncio.create_task(asked.run())
    await asyncio.sleep(2)
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    ended = await asked.run()
    assert (asked.calls, states(ended)) == ([1, 1], ["answered", "cancelled"])
    assert candidates(ended)[1].error == CUT_OFF


def race() -> Asked:
    return Asked(slowly(1, 2, 50, 60), enough(2), scoring_s=0)


def waves() -> Asked:
    return Asked(slowly(1, 2, 1, 1), enough(2, EarlyStopReason.SETTLED), wave=2)


def limited() -> Asked:
    return Asked(slowly(1, 2, 1, 1), wave=1, limits=Limits(calls=2))


def writes(make: Callable[[], Asked]) -> range:
    """Return the numbers of the writes of an uninterrupted round."""
    asked, loop = make(), SkippingLoop()
    try:
        loop.run_until_complete(asked.run())
    finally:
        loop.close()
    return range(asked.log.writes)


@pytest.mark.parametrize(
    ("make", "dies_at"), [(make, point) for make in (race, waves, limited) for point in writes(make)]
)
async def test_wherever_it_is_killed_nothing_that_ended_is_paid_again_and_a_stop_stays(
    make: Callable[[], Asked], dies_at: int
) -> None:
    asked = make()
    await asked.run_until_death(dies_at)
    ended, before = dict(asked.log.steps), asked.calls
    after = await asked.run()
    again = [m.spec.name for m, b in zip(asked.models, before, strict=True) if m.count.started > b]
    assert not [name for name in again if f"ask/{name}" in ended]
    if "stop" in ended:
        assert (asked.calls, after.stop) == (before, Stop.from_json(ended["stop"].result))
    assert "answered" not in states(after)[2:]
    assert states(await asked.run()) == states(after)
