"""The processor `map`: each item of a list by a stage or a pipeline, and what a failed one means."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.llm.engine.errors import ProviderUnavailable
from orchestration.llm.engine.types import Json, Prompt
from orchestration.runs.engine.control import StopReason
from orchestration.runs.engine.errors import LimitReached
from pipelines.engine.processor import ProcessorFailed, StageResult, Uses
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.processors.map import MapProcessor
from pipelines.engine.scope import Scope
from tests.support.clock import SkippingLoop
from tests.support.definitions import document, stage
from tests.support.logs import context_on
from tests.support.models import Reply, ScriptedModel
from tests.support.pipeline_runs import Execution, MemoryCache
from tests.support.processing import StageWork

LOOP_FACTORY = SkippingLoop
MAP = MapProcessor(PROCESSORS)
STAGE = {"processor": "model", "options": {"prompt": "Do"}}


def echo(prompt: Prompt) -> Reply:
    """Say the item again; `bad` ones fail."""
    text = prompt.messages[-1].content
    return ProviderUnavailable("503") if "bad" in text else text


def mapping(items: Json, seconds: float = 1.0, **options: Json) -> StageWork:
    model = ScriptedModel("m", echo, first_s=seconds)
    return StageWork(MAP, {"stage": STAGE, **options}, input=items, models=[model])


async def test_each_item_is_worked_on_and_results_keep_the_order() -> None:
    result = await mapping(["a", "b", "c"]).run()
    assert result.value == ["Do a at 0", "Do b at 1", "Do c at 2"]
    assert result.details == {"items": 3, "succeeded": 3, "failed": 0, "errors": {}}


async def test_items_may_come_from_a_source_and_may_be_none() -> None:
    work = mapping("not this")
    work.options = {**work.options, "items": "stages.split.output.parts"}
    work.scope = Scope(stages={"split": {"output": {"parts": ["x"]}}})
    assert (await work.run()).value == ["Do x at 0"]
    assert (await mapping([]).run()).value == []


async def test_so_many_are_worked_on_at_once_and_no_more() -> None:
    for at_once, seconds in ((1, 6), (2, 3), (50, 1)):
        work = mapping(list("abcdef"), at_once=at_once)
        await work.run()
        assert work.lives.seconds == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize(
    ("rule", "value"), [("skip", ["Do a at 0", "Do c at 2"]), ("null", ["Do a at 0", None, "Do c at 2"])]
)
async def test_a_failed_item_is_left_out_or_null(rule: str, value: Json) -> None:
    result = await mapping(["a", "bad", "c"], on_item_error=rule).run()
    assert result.value == value
    assert (result.details["failed"], list(result.details["errors"])) == (1, ["1"])
    assert "503" in result.details["errors"]["1"]


async def test_only_the_first_errors_are_kept() -> None:
    result = await mapping(["bad"] * 30, on_item_error="skip").run()
    assert (result.value, result.details["failed"], len(result.details["errors"])) == ([], 30, 20)


async def test_a_failed_item_ends_the_whole_and_cancels_the_rest() -> None:
    work = mapping(["a", "b", "bad", "c", "d"], at_once=2)
    with pytest.raises(ProcessorFailed, match=r"Item 3 failed: .*503") as failed:
        await work.run()
    assert failed.value.code == "all_models_failed"
    assert (work.asked, work.models[0].count.under_way) == ({"m": 4}, 0)


async def test_wherever_it_is_killed_a_failure_is_the_same_and_nothing_more_is_asked() -> None:
    whole = mapping(["a", "b", "bad", "c", "d"], at_once=3)
    with pytest.raises(ProcessorFailed) as expected:
        await whole.run()
    for at in range(whole.lives.log.writes):
        work = mapping(["a", "b", "bad", "c", "d"], at_once=3)
        with pytest.raises(ProcessorFailed) as failed:
            await work.run(at)
        assert str(failed.value) == str(expected.value)
        assert work.asked["m"] <= 5 + 3


async def test_wherever_it_is_killed_the_results_are_the_same() -> None:
    whole = mapping(["a", "bad", "c"], at_once=2, on_item_error="null")
    expected = await whole.run()
    for at in range(whole.lives.log.writes):
        assert await mapping(["a", "bad", "c"], at_once=2, on_item_error="null").run(at) == expected


async def test_a_stage_that_says_nothing_else_works_on_the_item() -> None:
    strip = {"processor": "transform", "input": {"transforms": ["strip"]}}
    for inner, expected in ((strip, ["a", "b"]), ({"processor": "transform"}, [" a", "b "])):
        written = document(stage("each", "", "map", options={"stage": inner}))
        assert (await Execution(written, value=[" a", "b "]).run()).output == expected


async def test_a_pipeline_runs_for_each_item() -> None:
    work = StageWork(MAP, {"pipeline": "summarise"}, input=[{"n": 1}, None])
    assert (await work.run()).value == [{"n": 1}, None]
    assert [child[:3] for child in work.children] == [
        ("pipeline", "summarise", {"input": {"n": 1}}),
        ("pipeline", "summarise", {"input": None}),
    ]
    assert "stage/1/item-1/run" in work.lives.log.steps


async def test_a_person_who_cancels_stops_all_items() -> None:
    work = mapping(list("abcdef"), seconds=100, at_once=3)
    context = context_on(work.lives.log, child=work.child)
    task = asyncio.ensure_future(work.story(context))
    context.control.attach(task)
    await asyncio.sleep(1)
    context.control.stop(StopReason.CANCELLED)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (work.asked, work.models[0].count.under_way) == ({"m": 3}, 0)
    with pytest.raises(asyncio.CancelledError):  # what an earlier attempt cancelled stays so
        await work.run()
    assert work.asked == {"m": 3}


async def test_what_ends_the_whole_run_is_no_failure_of_an_item() -> None:
    work = mapping(["a"], on_item_error="skip")
    work.lives.child = lambda *_: _over_limit
    with pytest.raises(LimitReached):
        await work.run()


async def _over_limit(*_: object) -> StageResult:
    raise LimitReached("The limit is used up.", limit="calls")


HOSTILE: dict[str, tuple[Json, str]] = {
    "a million items": ([0] * 1_000_000, r"1,000,000 items; 1,000 at most"),
    "a text": ("x" * 10_000_000, "Only a list has items; this is a text"),
    "an object": ({}, "an object"),
    "nothing": (None, "null"),
}


@pytest.mark.parametrize(("items", "words"), HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_list_of_a_thousand_is_refused_in_words(items: Json, words: str) -> None:
    with pytest.raises(ProcessorFailed, match=words):
        await mapping(items).run()


@pytest.mark.parametrize("options", [{}, {"stage": STAGE, "pipeline": "p"}])
def test_either_a_stage_or_a_pipeline_is_named(options: Json) -> None:
    assert [at for at, _ in MAP.spec.faults(options)] == [()]
    assert not [*MAP.spec.faults({"stage": STAGE}), *MAP.spec.faults({"pipeline": "p"})]


def test_the_models_and_people_of_the_stage_are_those_of_the_map() -> None:
    asks = {"processor": "model", "options": {"models": ["a"], "options": {"judge": "b"}}}
    person = {"processor": "human", "options": {"text": "Well?", "who": ["admin", "ada"]}}
    named = [MAP.Options.model_validate({"stage": stage}) for stage in (asks, person)]
    assert [(list(MAP.uses(each).models), list(MAP.uses(each).people)) for each in named] == [
        (["a", "b"], []),
        ([], ["ada"]),
    ]
    assert MAP.uses(MAP.Options.model_validate({"pipeline": "p"})) == Uses()


async def test_a_cached_result_is_not_used_where_the_stage_inside_reads_something_else() -> None:
    inner = {"processor": "transform", "input": {"from": ["context.item", "input.tone"]}}
    mapped = stage(
        "each", processor="map", cache={"ttl": 60}, options={"items": "input.items", "stage": inner}
    )
    cache, given = MemoryCache(), [{"items": [1], "tone": tone} for tone in ("kind", "kind", "stern")]
    runs = [Execution(document(mapped), value=value, cache=cache) for value in given]
    outputs = [(await run.run()).output for run in runs]
    assert outputs == [[[1, "kind"]], [[1, "kind"]], [[1, "stern"]]]
    assert [run.rows["each"]["cached"] for run in runs] == [False, True, False]
    assert runs[0].rows["each/1/item-0"]["output"] == [1, "kind"]


@given(items=st.lists(st.sampled_from(["a", "bad"]), max_size=12), at_once=st.integers(1, 4))
def test_any_list_gives_one_result_an_item_in_order(items: list[str], at_once: int) -> None:
    async def mapped() -> StageResult:
        return await mapping(items, at_once=at_once, on_item_error="null").run()

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        result = runner.run(mapped())
    assert [value is None for value in result.value] == [item == "bad" for item in items]
