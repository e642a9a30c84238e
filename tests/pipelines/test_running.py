"""Pipelines at work: what each outcome leaves in the rows of the stages, and what the pipeline gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.budget import Limits
from orchestration.runs.engine.errors import ReplayMismatch
from orchestration.runs.engine.records import StepKind
from pipelines.engine.running import BETWEEN_PAUSES
from pipelines.engine.stages import Edit
from tests.support.definitions import document, stage
from tests.support.pipeline_runs import Execution, MemoryCache, failure


def work(id: str, needs: str = "", options: Json = None, **fields: Json) -> dict[str, Json]:
    return stage(id, needs, "work", options=options or {}, **fields)


def failing(id: str, needs: str = "", code: str = "broken", **fields: Json) -> dict[str, Json]:
    return work(id, needs, {"fails": [code] * 10}, **fields)


CHAIN = document(work("a"), work("b", "a"), stage("c", "b", "transform"))
REVERSED = {"transforms": ["upper"]}


async def test_stages_run_one_after_the_other_and_the_last_gives_the_output() -> None:
    run = Execution(CHAIN, value="hello")
    outcome = await run.run()
    assert (outcome.answer, outcome.output) == ("hello", "hello")
    assert run.statuses == dict.fromkeys("abc", "succeeded")
    assert [run.rows[name]["input"] for name in "abc"] == ["hello"] * 3


async def test_what_is_no_text_is_answered_as_json() -> None:
    assert (await Execution(CHAIN, value={"a": 1}).run()).answer == '{\n  "a": 1\n}'


async def test_a_pipeline_whose_stages_are_all_skipped_has_no_output() -> None:
    run = Execution(document(work("a", when="false"), work("b", when="false")))
    error = await failure(run.run())
    assert (str(error), run.statuses) == (
        "No stage gave an output: all were skipped.",
        {"a": "skipped", "b": "skipped"},
    )


async def test_many_stages_that_wait_for_nothing_run_one_after_the_other() -> None:
    names = [f"s{number}" for number in range(2 * BETWEEN_PAUSES)]
    stages = [stage(name, before, "transform") for before, name in zip(["", *names], names, strict=False)]
    run = Execution(document(*stages), value="hello")
    assert ((await run.run()).output, set(run.statuses)) == ("hello", set(names))


ON_ERROR = [
    ("fail", {"a": "failed", "b": "cancelled"}, "stage_failed"),
    ("skip", {"a": "skipped", "b": "succeeded"}, ""),
    ({"default": "instead"}, {"a": "succeeded", "b": "succeeded"}, ""),
    ({"goto": "b"}, {"a": "failed", "b": "succeeded"}, ""),
    ({"pipeline": "other"}, {"a": "succeeded", "a/fallback/x": "succeeded", "b": "succeeded"}, ""),
]


@pytest.mark.parametrize(("rule", "statuses", "code"), ON_ERROR)
async def test_what_follows_an_error_is_what_the_stage_says(
    rule: Json, statuses: dict[str, str], code: str
) -> None:
    others = {"other": document(stage("x", "", "transform"), name="other")}
    run = Execution(document(failing("a", on_error=rule), work("b", "a")), value="v", others=others)
    if code:
        assert (await failure(run.run())).code == code  # type: ignore[attr-defined]
    else:
        await run.run()
    assert run.statuses == statuses


async def test_a_failed_stage_says_why_and_the_pipeline_says_which() -> None:
    run = Execution(document(failing("a", code="odd")))
    error = await failure(run.run())
    assert str(error) == "Stage a failed: attempt 1 fails"
    assert run.rows["a"]["error"] == {"code": "odd", "message": "attempt 1 fails", "path": ""}


async def test_an_optional_stage_may_fail_and_what_follows_gets_what_it_was_given() -> None:
    run = Execution(document(failing("a", optional=True), work("b", "a")), value="v")
    assert (await run.run()).output == "v"
    assert run.statuses == {"a": "failed", "b": "succeeded"}


async def test_a_stage_whose_condition_is_not_met_is_passed_over() -> None:
    run = Execution(document(work("a"), work("b", "a", when="size(input) > 9"), work("c", "b")), value="v")
    assert (await run.run()).output == "v"
    assert run.rows["b"]["reason"] == "Its condition is not met."
    assert run.statuses == {"a": "succeeded", "b": "skipped", "c": "succeeded"}


BRANCH = {"cases": [{"when": "input == 'x'", "to": "x"}], "default": "y"}


@pytest.mark.parametrize(("value", "chosen", "other"), [("x", "x", "y"), ("?", "y", "x")])
async def test_a_branch_chooses_one_stage_and_the_others_are_skipped(
    value: str, chosen: str, other: str
) -> None:
    stages = [stage("which", "", "branch", options=BRANCH), work("x", "which"), work("y", "which")]
    run = Execution(document(*stages, work("end", "x y", join="any")), value=value)
    assert (await run.run()).output == value
    assert run.rows[other]["reason"] == "No branch chose it."
    assert run.rows["which"]["chosen"] == [chosen]


def gives(id: str, needs: str = "", **fields: Json) -> dict[str, Json]:
    return work(id, needs, {"gives": id.upper()}, **fields)


NEVER = {"when": "size(input) > 9"}
TO_Z = {"cases": [{"when": "true", "to": "z"}], "default": "y"}
CHOOSES_Y = {"cases": [{"when": "size(input) > 9", "to": "z"}], "default": "y"}
PREVIOUS = [
    ([], "in"),
    ([gives("a")], "A"),
    ([gives("a"), gives("b", "a", **NEVER)], "A"),
    ([gives("a", **NEVER)], "in"),
    ([gives("a", **NEVER), failing("b", "a", optional=True)], "in"),
    ([gives("a"), failing("b", "a", on_error="skip")], "A"),
    ([gives("a"), failing("b", "a", on_error={"default": "D"})], "D"),
    ([gives("a"), failing("b", "a", on_error={"goto": "z"}), gives("c", "b")], "A"),
    ([stage("b", "", "branch", options=TO_Z), gives("y")], "in"),
]


@pytest.mark.parametrize(("before", "expected"), PREVIOUS)
async def test_a_stage_works_on_what_the_one_before_gave_or_was_given(
    before: list[dict[str, Json]], expected: Json
) -> None:
    is_branched = any(each["processor"] == "branch" for each in before)
    last = stage("z", "" if is_branched or not before else before[-1]["id"], "work", options={})
    run = Execution(document(*before, last), value="in")
    await run.run()
    assert run.rows["z"]["input"] == expected


async def test_what_several_stages_gave_is_an_object_in_which_those_passed_over_are_missing() -> None:
    run = Execution(document(gives("a"), gives("b"), gives("c", **NEVER), work("z", "a b c")), value="in")
    assert (await run.run()).output == {"a": "A", "b": "B"}


async def test_after_the_arms_of_a_branch_comes_what_the_chosen_one_gave() -> None:
    arms = [stage("which", "", "branch", options=CHOOSES_Y), gives("z", ""), gives("y", "")]
    run = Execution(document(*arms, work("end", "z y", join="any")), value="in")
    assert (await run.run()).output == "Y"


JOINS = [("all", "skipped"), ("any", "succeeded"), ("first_success", "succeeded"), ("quorum", "skipped")]


@pytest.mark.parametrize(("join", "status"), JOINS)
async def test_a_join_decides_whether_a_stage_runs_after_a_failure(join: str, status: str) -> None:
    quorum = {"quorum": 2} if join == "quorum" else {}
    last = work("end", "good bad", join=join, input={"from": "input"}, **quorum)
    stages = document(work("good"), failing("bad"), last, error_handling={"strategy": "continue"})
    run = Execution(stages, value="v")
    outcome = await run.run()
    assert (run.statuses["end"], outcome.caveat) == (status, "stages_failed")


RETRIES = [
    (["timeout", "rate_limited"], 3, "succeeded"),
    (["timeout", "timeout", "timeout"], 3, "failed"),
    (["odd"], 1, "failed"),
]


@pytest.mark.parametrize(("fails", "attempts", "status"), RETRIES)
async def test_errors_that_may_pass_are_tried_again(fails: list[str], attempts: int, status: str) -> None:
    retry = {"attempts": 3, "base": 0.0}
    run = Execution(document(work("a", options={"fails": fails}, retry=retry)))
    await failure(run.run()) if status == "failed" else await run.run()
    assert (run.rows["a"]["attempts"], run.rows["a"]["status"]) == (attempts, status)
    assert len(run.work.done) == attempts


async def test_a_stage_that_takes_too_long_fails_and_a_replay_does_not_start_it_again() -> None:
    run = Execution(document(work("a", options={"seconds": 9}, timeout=0.01)))
    assert str(await failure(run.run())) == "Stage a failed: It took longer than 0.01 s."
    again = str(await failure(run.run()))
    assert (again, run.work.done) == ("Stage a failed: It took longer than 0.01 s.", ["a"])


async def test_a_cached_result_is_used_for_the_same_input_and_definition_only() -> None:
    cache, stages = MemoryCache(), document(work("a", cache={"ttl": 60}))
    runs = [Execution(stages, value=value, cache=cache) for value in ("v", "v", "w")]
    assert [(await run.run()).output for run in runs] == ["v", "v", "w"]
    assert [run.rows["a"]["cached"] for run in runs] == [False, True, False]


async def test_a_failure_is_not_cached() -> None:
    cache = MemoryCache()
    await failure(Execution(document(failing("a", cache={"ttl": 60})), cache=cache).run())
    assert cache.results == {}


async def test_an_edited_output_stands_in_place_of_the_work_and_an_edited_input_is_worked_on() -> None:
    edits = {"a": Edit(name="output", value="A"), "b": Edit(name="input", value="B")}
    run = Execution(CHAIN, value="v", edits=edits)
    assert (await run.run()).output == "B"
    assert [run.rows[name]["edited"] for name in "abc"] == [True, True, False]
    assert run.work.done == ["b"]


async def test_the_fallback_of_a_pipeline_is_given_the_state_so_far() -> None:
    handling = {"strategy": "fallback", "pipeline": "other"}
    mapped = {"from": {"was": "input.stages.a", "at": "input.failed.stage"}}
    others = {"other": document(stage("x", "", "transform", input=mapped), name="other")}
    stages = document(work("a"), failing("b", "a"), error_handling=handling)
    run = Execution(stages, value="v", others=others)
    assert (await run.run()).output == {"was": "v", "at": "b"}
    assert run.statuses == {"a": "succeeded", "b": "failed", "pipeline.fallback/x": "succeeded"}


async def test_a_failure_cancels_what_runs_beside_it_and_what_would_follow() -> None:
    run = Execution(document(work("slow", options={"seconds": 9}), failing("bad"), work("next", "slow bad")))
    await failure(run.run())
    assert run.statuses == {"bad": "failed", "slow": "cancelled", "next": "cancelled"}


async def test_variables_and_the_final_output_are_written_by_stages() -> None:
    stages = [
        work("a", options={"gives": "A"}, output={"to": ["variable.x", "next"]}),
        work("b", "a", input={"from": {"template": "{{ variable.x }}!"}}, output={"to": "final"}),
        work("c", "b", options={"gives": "other"}),
    ]
    assert (await Execution(document(*stages, variables={"x": "-"})).run()).output == "A!"


async def test_an_input_that_does_not_fit_is_refused_with_path_and_value() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    error = await failure(Execution(document(work("a"), input={"schema": schema}), value={"n": "x"}).run())
    assert str(error) == "The input does not fit: n: is a text, must be a whole number (“x”)."


async def test_a_result_that_does_not_fit_its_schema_fails_with_path_and_value() -> None:
    output = {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    run = Execution(document(work("a", options={"gives": {"n": "x"}}, output=output)))
    await failure(run.run())
    error = run.rows["a"]["error"]
    assert (error["code"], error["path"]) == ("schema", "output.schema")


async def test_a_stage_that_keeps_its_time_succeeds() -> None:
    assert (await Execution(document(work("a", timeout=9)), value="v").run()).output == "v"


@pytest.mark.parametrize(("limit", "code"), [(500, "stage_failed"), (2, "limit_reached")])
async def test_a_fallback_that_fails_says_so_unless_the_whole_run_ends_by_it(limit: int, code: str) -> None:
    others = {"other": document(failing("x"), name="other")}
    stages = document(failing("a", on_error={"pipeline": "other"}))
    error = await failure(Execution(stages, others=others, limits=Limits(steps_in_all=limit)).run())
    assert getattr(error, "code", "") == code
    if code == "stage_failed":
        assert str(error).startswith("Stage a failed: The pipeline other in its place failed, too: Stage x")


async def test_a_journal_that_does_not_fit_ends_the_run_without_a_row() -> None:
    run = Execution(document(work("a"), work("b", "a")), value="v")
    await run.run()
    kept = run.log.steps["b/1/done"]
    run.log.records = [replace(kept, kind=StepKind.WAIT)]
    assert type(await failure(run.run())) is ReplayMismatch
    assert "b" not in run.rows


async def test_an_output_that_cannot_be_made_says_why() -> None:
    run = Execution(document(work("a"), output={"from": "stages.a.output.text"}), value="v")
    error = await failure(run.run())
    assert str(error).startswith("The output cannot be made: ")


REFUSED = [
    (document(work("a", "b"), work("b", "a")), "Stages wait for each other: "),
    (document(work("a"), output={"from": "nothing"}), "There is no source “nothing”"),
    (document(stage("a", "", "unknown")), "There is no processor 'unknown'"),
    (document(work("a", when="(")), "Line"),
    (document(stage("a", "", "validate", options={})), "Field required."),
]


@pytest.mark.parametrize(("written", "words"), REFUSED)
async def test_what_validation_would_have_refused_does_not_start(
    written: dict[str, Json], words: str
) -> None:
    error = await failure(Execution(written).run())
    assert type(error) is InvalidRequest
    assert words in str(error) or words == "Line"


async def test_a_value_too_large_for_a_row_is_shown_shortened_and_handed_on_whole() -> None:
    run = Execution(document(work("a")), value="x" * 300_000)
    assert len((await run.run()).answer) == 300_000
    assert run.rows["a"]["shortened"] == ["input", "output"]
    assert len(run.rows["a"]["output"]) < 3_000


async def test_five_hundred_stages_run_within_the_limits_of_a_run() -> None:
    stages = [work(f"s{number}", f"s{number - 1}" if number else "") for number in range(500)]
    run = Execution(document(*stages), value="v")
    assert (await run.run()).output == "v"
    assert len(run.rows) == 500


async def test_a_row_keeps_what_the_processor_gave_where_transforms_follow() -> None:
    run = Execution(
        document(work("a", output={"transforms": ["count"]}), work("b", "a")), value="x" * 300_000
    )
    await run.run()
    assert (run.rows["a"]["shortened"], run.rows["a"]["output"]) == (["input", "result"], 300_000)
    assert "result" not in run.rows["b"]
    run = Execution(document(work("a", output={"transforms": ["upper"]})), value="Hello")
    await run.run()
    assert (run.rows["a"]["result"], run.rows["a"]["output"]) == ("Hello", "HELLO")
