"""The processors `run` and `pipeline`: other runs inside a run, and what holds for every processor."""

from __future__ import annotations

import pytest

from orchestration.expressions.sources import MissingValue
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.errors import ChildFailed, LimitReached
from orchestration.tools.engine.tool import ToolFailed
from pipelines.engine.processor import ProcessorFailed, ProcessorOptions
from pipelines.engine.processors import PROCESSORS
from pipelines.engine.processors.run import PipelineProcessor, RunProcessor, ToolProcessor
from pipelines.engine.scope import Scope
from tests.support.clock import SkippingLoop
from tests.support.definitions import pipeline, problems, stage
from tests.support.models import ScriptedModel
from tests.support.processing import StageWork
from tests.support.tools import CountingTool

LOOP_FACTORY = SkippingLoop
RUN, PIPELINE, TOOL = RunProcessor(), PipelineProcessor(), ToolProcessor()
SCOPE = Scope(input={"n": 3, "who": "Ada"}, stages={"draft": {"output": [1, 2]}})


def running(**options: Json) -> StageWork:
    models = [ScriptedModel(name) for name in ("m0", "m1")]
    return StageWork(RUN, options, input="hello", scope=SCOPE, models=models)


FILLED: dict[str, tuple[Json, Json]] = {
    "the input": (None, {"text": "hello"}),
    "templates": ({"text": "For {{ input.who }}!"}, {"text": "For Ada!"}),
    "values keep their type": ({"n": "{{ input.n }}", "l": "{{stages.draft.output}}"}, {"n": 3, "l": [1, 2]}),
    "texts of values": ({"n": "{{ input.n }} "}, {"n": "3 "}),
    "deep inside": ({"a": [{"b": "{{ input.who }}"}], "c": 1}, {"a": [{"b": "Ada"}], "c": 1}),
}


@pytest.mark.parametrize(("payload", "given"), FILLED.values(), ids=FILLED)
async def test_a_run_of_any_kind_is_given_a_payload(payload: Json, given: Json) -> None:
    work = running(kind="board", ref="b", payload=payload)
    result = await work.run()
    assert work.children == [("board", "b", given, ("m0", "m1"))]
    assert result.value == given.get("input", "words")
    assert result.details == {"child": "run", "kind": "board", "ref": "b"}


async def test_a_strategy_is_run_with_the_models_that_are_named() -> None:
    work = running(kind="strategy", ref="parallel", models=["m1"])
    assert (await work.run()).value == "ok"
    assert (work.asked, RUN.uses(work.work.options).models) == ({"m0": 0, "m1": 1}, ("m1",))


async def test_a_run_that_fails_fails_with_its_code_and_words() -> None:
    with pytest.raises(ChildFailed, match="meant to fail") as failed:
        await running(kind="board", ref="fails").run()
    assert failed.value.code == "meant"


async def test_what_a_payload_reads_has_to_be_there() -> None:
    with pytest.raises(MissingValue, match="no field “x”"):
        await running(kind="board", ref="b", payload={"text": "{{ input.x }}"}).run()


def test_a_pipeline_has_a_processor_of_its_own() -> None:
    assert [at for at, _ in RUN.spec.faults({"kind": "pipeline", "ref": "p"})] == [("kind",)]
    assert not list(RUN.spec.faults({"kind": "strategy", "ref": "voting"}))


@pytest.mark.parametrize(
    ("options", "payload"),
    [
        ({}, {"input": "hello"}),
        ({"version": 3}, {"input": "hello", "version": 3}),
        ({"input": {"who": "input.who"}}, {"input": {"who": "Ada"}}),
    ],
)
async def test_a_pipeline_runs_as_a_stage(options: Json, payload: Json) -> None:
    work = StageWork(PIPELINE, {"name": "inner", **options}, input="hello", scope=SCOPE)
    assert (await work.run()).value == payload["input"]
    assert work.children == [("pipeline", "inner", payload, ())]


async def test_pipelines_in_pipelines_end_at_the_depth_limit() -> None:
    async def nested(_: Json, context: object) -> Json:
        result = await PIPELINE.execute(work.work, context)  # type: ignore[arg-type]  # a context, as children get
        return {"answer": "", "output": result.value, "score": None}

    work = StageWork(PIPELINE, {"name": "itself"}, input=1)
    work.lives.child = lambda *_: nested
    with pytest.raises(LimitReached, match="8 deep"):
        await work.run()


async def test_a_run_inside_survives_a_crash_at_every_write() -> None:
    whole = running(kind="strategy", ref="parallel")
    expected = await whole.run()
    for at in range(whole.lives.log.writes):
        assert (await running(kind="strategy", ref="parallel").run(at)).value == expected.value


def calling(given: Json = None, **options: Json) -> StageWork:
    work = StageWork(TOOL, {"name": "book", **options}, input=given, scope=SCOPE)
    work.tool = CountingTool()
    return work


async def test_a_tool_is_called_with_filled_arguments() -> None:
    work = calling(arguments={"amount": "{{ input.n }}", "note": "For {{ input.who }}"})
    result = await work.run()
    assert (result.value, result.details) == ({"booked": 1}, {"tool": "book"})
    assert work.tool is not None
    assert work.tool.calls == [{"amount": 3, "note": "For Ada"}]


async def test_without_arguments_a_tool_is_given_the_input_if_that_is_an_object() -> None:
    work = calling({"amount": 1})
    assert (await work.run()).value == {"booked": 1}
    with pytest.raises(ProcessorFailed, match="an object") as failed:
        await calling("one").run()
    assert failed.value.code == "bad_arguments"


async def test_a_tool_that_fails_fails_with_its_code() -> None:
    work = calling({})
    work.tool = CountingTool(fails=ToolFailed("The ledger is closed."))
    with pytest.raises(ToolFailed, match="closed") as failed:
        await work.run()
    assert failed.value.code == "tool_failed"


@pytest.mark.parametrize("name", PROCESSORS)
def test_forms_can_be_made_of_every_option(name: str) -> None:
    schema = PROCESSORS[name].spec.options_schema
    parts = [schema, *schema.get("$defs", {}).values()]
    fields = {field: each for part in parts for field, each in part.get("properties", {}).items()}
    assert all(each["title"] and each["description"] for each in fields.values())
    assert issubclass(PROCESSORS[name].Options, ProcessorOptions)
    assert PROCESSORS[name].title
    assert PROCESSORS[name].summary.endswith(".")


GOOD: dict[str, tuple[str, Json]] = {
    "model": (
        "model",
        {"prompt": "Say {{ input }}", "schema": {"type": "string"}, "options": {"judge": "m"}},
    ),
    "aggregate": ("aggregate", {"from": ["first", "stages.first.output.x"], "how": "vote"}),
    "map": ("map", {"items": "input", "pipeline": "inner"}),
    "human": ("human", {"text": "Go on?", "form": {"enum": ["yes", "no"]}, "deadline": 60, "default": "no"}),
    "wait": ("wait", {"until": "{{ stages.first.output }}"}),
    "run": ("run", {"kind": "strategy", "ref": "voting", "payload": {"text": "{{ input }}"}}),
    "pipeline": ("pipeline", {"name": "inner", "version": 2}),
    "tool": ("tool", {"name": "calculator", "arguments": {"expression": "{{ stages.first.output }} + 1"}}),
}
ASKED: Json = {"text": "?", "deadline": 1, "default": 2}
BOARD: Json = {"kind": "board", "ref": "b"}
BAD: dict[str, tuple[str, Json, str]] = {
    "an option of the strategy": ("model", {"options": {"nope": 1}}, "options.options.nope"),
    "no such strategy": ("model", {"strategy": "nope"}, "options.strategy"),
    "a template": ("model", {"prompt": "{{ input | nope }}"}, "options.prompt"),
    "no such stage": ("aggregate", {"from": ["nope"]}, "options.from"),
    "neither": ("map", {}, "options"),
    "a pipeline that is not there": ("map", {"pipeline": "nope"}, "options.pipeline"),
    "a default that does not fit": ("human", {**ASKED, "form": {"enum": [1]}}, "options.default"),
    "a model twice": ("model", {"models": ["a", "a"]}, "options.models"),
    "a schema that is no object": ("model", {"schema": True}, "options.schema"),
    "a moment": ("wait", {"until": "soon"}, "options.until"),
    "inside a payload": ("run", {**BOARD, "payload": {"a": ["{{ nope }}"]}}, "options.payload.a[0]"),
    "a type": ("wait", {"seconds": "5"}, "options.seconds"),
    "an unknown option": ("pipeline", {"name": "inner", "nope": 1}, "options"),
}


def faults(processor: str, options: Json) -> list[str]:
    specs = {name: each.spec for name, each in PROCESSORS.items()} | {"first": RUN.spec}
    inner = pipeline(stage("only", processor="wait", options={"seconds": 0}), name="inner")
    first = stage("first", processor="wait", options={"seconds": 0})
    second = stage("second", "first", processor, options=options)
    return [each.path for each in problems(pipeline(first, second), specs, {"inner": inner})]


@pytest.mark.parametrize(("processor", "options"), GOOD.values(), ids=GOOD)
def test_validation_passes_options_that_can_run(processor: str, options: Json) -> None:
    assert faults(processor, options) == []


@pytest.mark.parametrize(("processor", "options", "path"), BAD.values(), ids=BAD)
def test_validation_says_what_is_wrong_with_options_at_its_path(
    processor: str, options: Json, path: str
) -> None:
    assert [each.removeprefix("stages.second.") for each in faults(processor, options)] == [path]
