"""The answer cache and its single flight."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import BadAnswer, ModelError, ProviderUnavailable
from orchestration.llm.engine.model import ChatModel
from orchestration.llm.engine.resilience.caching import ENTRY_OVERHEAD, AnswerCache, Cached, cache_key
from orchestration.llm.engine.types import Completion, Delta, Purpose
from orchestration.runs.engine.errors import LimitReached
from tests.support.clock import ManualClock, SkippingLoop
from tests.support.models import FailingModel, RawModel, ScriptedModel, prompt_of, spec_named, truncated

LOOP_FACTORY = SkippingLoop
HELLO = prompt_of("Hello?")


def store(clock: ManualClock | None = None, *, max_bytes: int = 100_000) -> AnswerCache:
    return AnswerCache(max_bytes=max_bytes, ttl_s=60, clock=clock or ManualClock())


async def received(model: ChatModel) -> tuple[str, Completion]:
    """Return the text as a viewer would have put it together, and the answer."""
    text, answer = "", None
    async with aclosing(model.stream(HELLO)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Delta):
                assert piece.text[: piece.offset] == text[: piece.offset]
                text = piece.text
            else:
                answer = piece
    assert answer is not None
    return text, answer


async def started(*models: ChatModel) -> list[asyncio.Task[tuple[str, Completion]]]:
    """Start to listen to each model, one after the other."""
    tasks = []
    for model in models:
        tasks.append(asyncio.create_task(received(model)))
        await asyncio.sleep(0.01)
    return tasks


async def test_a_second_request_is_answered_from_the_cache_and_costs_nothing() -> None:
    inner, kept = ScriptedModel("m", ["one two"]), store()
    await Cached(inner, kept, scope="team").complete(HELLO)
    text, answer = await received(Cached(inner, kept, scope="team"))
    assert inner.count.started == 1
    assert (text, answer.text) == ("one two", "one two")
    assert (answer.cached, answer.cost_usd, answer.latency_s) == (True, Decimal(0), 0.0)


async def test_an_answer_is_asked_for_again_once_it_is_old() -> None:
    clock = ManualClock()
    inner, kept = ScriptedModel("m"), store(clock)
    for seconds in (0, 59, 1):
        clock.advance(seconds)
        await Cached(inner, kept, scope="team").complete(HELLO)
    assert inner.count.started == 2


def test_the_key_tells_apart_everything_that_may_change_the_answer() -> None:
    spec = spec_named("m")
    prompts = [HELLO, replace(HELLO, sample=1), replace(HELLO, temperature=0.5), replace(HELLO, seed=1)]
    prompts += [replace(HELLO, purpose=Purpose.JUDGE), replace(HELLO, response_schema={"type": "object"})]
    keys = {cache_key("team", spec, prompt) for prompt in prompts}
    keys |= {cache_key("other", spec, HELLO), cache_key("team", spec_named("n"), HELLO)}
    keys.add(cache_key("team", replace(spec, remote_name="m-2"), HELLO))
    assert len(keys) == 9
    assert cache_key("team", spec, HELLO) == cache_key("team", spec_named("m"), prompt_of("Hello?"))


@pytest.mark.parametrize("reply", [ProviderUnavailable("503"), truncated("so f")])
async def test_failures_and_truncated_answers_are_not_kept(reply: ModelError | Completion) -> None:
    inner, kept = ScriptedModel("m", [reply, "whole"]), store()
    with suppress(ProviderUnavailable):
        assert (await Cached(inner, kept, scope="team").complete(HELLO)).text == "so f"
    assert (await Cached(inner, kept, scope="team").complete(HELLO)).text == "whole"


def test_the_least_recently_used_answers_make_room() -> None:
    kept = store(max_bytes=3 * (ENTRY_OVERHEAD + 10))
    for key in "abc":
        kept.put(key, Completion(text="0123456789"))
    kept.get("a")
    kept.put("d", Completion(text="0123456789"))
    assert [key for key in "abcd" if kept.get(key)] == ["a", "c", "d"]
    assert kept.size == 3 * (ENTRY_OVERHEAD + 10)


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    kept = store(max_bytes=1000)
    kept.put("a", Completion(text="x" * 1000))
    assert (kept.get("a"), kept.size) == (None, 0)


async def test_identical_requests_in_flight_share_one_call_and_all_hear_all_of_it() -> None:
    inner, kept = ScriptedModel("m", ["one two three four"], word_s=1), store()
    tasks = await started(*(Cached(inner, kept, scope="team") for _ in range(3)))
    await asyncio.sleep(2.5)
    tasks += await started(Cached(inner, kept, scope="team"))
    results = await asyncio.gather(*tasks)
    assert inner.count.started == 1
    assert {text for text, _ in results} == {"one two three four"}
    assert [answer.cached for _, answer in results] == [False, True, True, True]


async def test_a_follower_receives_a_second_attempt_from_its_start() -> None:
    restart: list[Delta | Completion] = [
        Delta(text="wrong start", offset=0),
        Delta(text="right", offset=0),
        Completion(text="right"),
    ]
    inner, kept = RawModel("m", restart), store()
    leader, follower = Cached(inner, kept, scope="team"), Cached(inner, kept, scope="team")
    results = await asyncio.gather(received(leader), received(follower))
    assert [text for text, _ in results] == ["right", "right"]


async def test_a_failure_of_the_model_is_everybodys() -> None:
    inner, kept = FailingModel("m", BadAnswer("HTML"), then="fine"), store()
    models = [Cached(inner, kept, scope="team") for _ in range(3)]
    results = await asyncio.gather(*(received(model) for model in models), return_exceptions=True)
    assert [str(result) for result in results] == ["HTML"] * 3
    assert inner.count.started == 1


async def test_a_leader_that_is_cancelled_hands_over_to_a_follower() -> None:
    inner, kept = ScriptedModel("m", ["one two three"], word_s=1), store()
    leader, *others = await started(*(Cached(inner, kept, scope="team") for _ in range(3)))
    await asyncio.sleep(1.5)
    leader.cancel()
    results = await asyncio.gather(*others)
    assert [text for text, _ in results] == ["one two three"] * 2
    assert [answer.cached for _, answer in results] == [False, True]
    assert (inner.count.started, inner.count.closed_early) == (2, 1)


async def test_a_leader_that_runs_out_of_its_own_money_hands_over() -> None:
    poor = RawModel("m", [Delta(text="", offset=0), LimitReached("No money left.", limit="money")])
    kept = store()
    rich = Cached(ScriptedModel("m", ["fine"]), kept, scope="team")
    first, second = await started(Cached(poor, kept, scope="team"), rich)
    with pytest.raises(LimitReached):
        await first
    assert (await second)[0] == "fine"


async def test_a_follower_that_leaves_disturbs_nobody() -> None:
    inner, kept = ScriptedModel("m", ["one two three"], word_s=1), store()
    leader, leaving, staying = await started(*(Cached(inner, kept, scope="team") for _ in range(3)))
    leaving.cancel()
    assert (await leader)[0] == (await staying)[0] == "one two three"
    assert inner.count.started == 1


async def test_a_stream_without_an_answer_is_a_bad_answer_for_each_who_asked() -> None:
    inner, kept = RawModel("m", [], []), store()
    models = [Cached(inner, kept, scope="team") for _ in range(2)]
    results = await asyncio.gather(*(model.complete(HELLO) for model in models), return_exceptions=True)
    assert [type(result) for result in results] == [BadAnswer, BadAnswer]


@given(st.lists(st.tuples(st.integers(0, 6), st.none() | st.integers(1, 8)), min_size=1, max_size=8))
async def test_whoever_leaves_when_the_others_hear_everything(plan: list[tuple[int, int | None]]) -> None:
    inner, kept = ScriptedModel("m", ["one two three four"], word_s=1), store()
    tasks = [asyncio.create_task(_arrive(Cached(inner, kept, scope="team"), at)) for at, _ in plan]
    loop = asyncio.get_running_loop()
    for task, (_, leaves) in zip(tasks, plan, strict=True):
        if leaves is not None:
            loop.call_later(leaves, task.cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    leavers = sum(isinstance(result, asyncio.CancelledError) for result in results)
    assert all(result == "one two three four" for result in results if isinstance(result, str))
    assert inner.count.under_way == 0
    assert inner.count.answered <= 1
    assert inner.count.started <= 1 + leavers


async def _arrive(model: Cached, at: float) -> str:
    await asyncio.sleep(at)
    return (await received(model))[0]
