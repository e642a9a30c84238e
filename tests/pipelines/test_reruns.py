"""Runs that go on from others: what is taken over, what runs again, and what cannot be gone on from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.library.models import SavedDefinition
from orchestration.library.services.definitions import publish, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.runs.models import Run
from pipelines.services.reruns import rerun_from, resume
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.pipelines import Flaky, a_pipeline, a_pipeline_run, flaky_processor, written

ONE = stage("one", processor="flaky", input={"from": "input.text"})
TWO = stage("two", "one", "flaky", input={"from": "stages.one.output", "transforms": ["upper"]})
SIDE = stage("side", processor="flaky", input={"from": "input.text"}, optional=True)
LAST = stage("last", "two", "transform", input={"from": "stages.two.output"})
STAGES = (ONE, TWO, SIDE, LAST)


@pytest.fixture
def flaky() -> Iterator[Flaky]:
    with flaky_processor() as processor:
        yield processor


@pytest.fixture
def owner(transactional_db: None, flaky: Flaky) -> Membership:
    member = a_member()
    a_pipeline(member, *STAGES)
    return member


def worked(flaky: Flaky, engine: Engine, run: Run) -> tuple[list[str], str, Json]:
    """Return which stages did their work again, and how the run ended."""
    flaky.worked.clear()
    flaky.fail.clear()
    engine.execute(run)
    return sorted(flaky.worked), run.status, run.output


def change(member: Membership, *stages: Json, **fields: Json) -> None:
    row = SavedDefinition.objects.get()
    text = written(*stages, **fields)
    save_draft(membership=member, definition=row, text=text, based_on=row.draft_number)
    publish(membership=member, definition=row, based_on=row.draft_number + 1)


def test_a_run_is_resumed_from_the_stage_that_failed(engine: Engine, owner: Membership, flaky: Flaky) -> None:
    flaky.fail = {"two", "side"}
    run = engine.execute(a_pipeline_run(owner))
    assert run.error == "Stage two failed: Not today."
    again = resume(membership=owner, run=run)
    assert worked(flaky, engine, again) == (["two"], "succeeded", "HELLO")
    assert again.rerun_of == run
    shown = dict(again.steps.filter(kind="record").values_list("key", "result__status"))
    assert shown == {"one": "succeeded", "side": "failed", "two": "succeeded", "last": "succeeded"}


def test_a_resumed_run_can_be_resumed_once_more(engine: Engine, owner: Membership, flaky: Flaky) -> None:
    flaky.fail = {"two"}
    run = engine.execute(a_pipeline_run(owner, edits={"one": {"output": "mine"}}))
    once = engine.execute(resume(membership=owner, run=run))
    assert once.status == "failed"
    assert worked(flaky, engine, resume(membership=owner, run=once)) == (["two"], "succeeded", "MINE")


def test_what_had_ended_inside_a_pipeline_that_failed_is_taken_over_too(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    ask = stage("ask", processor="pipeline", options={"name": "support"}, input={"from": "input"})
    a_pipeline(owner, stage("first", processor="flaky", input={"from": "input"}), ask, name="outer")
    flaky.fail = {"two"}
    run = engine.execute(a_pipeline_run(owner, "outer"))
    assert run.error.startswith("Stage ask failed: Stage two failed")
    again = resume(membership=owner, run=run)
    assert worked(flaky, engine, again) == (["two"], "succeeded", "HELLO")
    shown = dict(again.steps.filter(kind="record").values_list("key", "result__status"))
    assert (shown["ask"], shown["ask/1/run/one"], shown["ask/1/run/two"]) == ("succeeded",) * 3


@pytest.mark.parametrize("of_each", ["stage", "pipeline"])
def test_the_items_of_a_list_that_were_done_are_taken_over(
    engine: Engine, owner: Membership, flaky: Flaky, of_each: str
) -> None:
    inner = {"processor": "flaky", "input": {"from": "context.item"}}
    a_pipeline(owner, stage("told", processor="flaky", input={"from": "input"}), name="inner")
    options = (
        {"items": "input", "at_once": 1, "stage": inner}
        if of_each == "stage"
        else {"items": "input", "pipeline": "inner", "at_once": 1}
    )
    a_pipeline(owner, stage("each", processor="map", options=options), name="outer")
    flaky.fail = {"c"}
    run = engine.execute(a_pipeline_run(owner, "outer", input=["a", "b", "c"]))
    assert run.error.startswith("Stage each failed: Item 3 failed")
    _, status, output = worked(flaky, engine, resume(membership=owner, run=run))
    assert (status, output, flaky.worked.total()) == ("succeeded", ["a", "b", "c"], 1)


def test_of_several_attempts_the_items_that_the_last_one_had_done_are_taken_over(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    inner = {"processor": "flaky", "input": {"from": "context.item"}}
    options = {"items": "input", "at_once": 1, "stage": inner}
    retry = {"attempts": 2, "base": 0, "on": ["tool"]}
    a_pipeline(owner, stage("each", processor="map", options=options, retry=retry), name="outer")
    flaky.fail, flaky.code = {"c"}, "tool_failed"
    run = engine.execute(a_pipeline_run(owner, "outer", input=["a", "b", "c"]))
    assert run.steps.values_list("result__attempts", flat=True).get(key="each") == 2
    _, status, output = worked(flaky, engine, resume(membership=owner, run=run))
    assert (status, output, flaky.worked.total()) == ("succeeded", ["a", "b", "c"], 1)


def test_each_item_of_a_list_has_a_row_and_a_name_of_its_own(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    a_pipeline(owner, stage("told", processor="flaky", input={"from": "input"}), name="inner")
    options = {"items": "input", "pipeline": "inner"}
    a_pipeline(owner, stage("each", processor="map", options=options), name="outer")
    run = engine.execute(a_pipeline_run(owner, "outer", input=["a", "b"]))
    rows = dict(run.steps.filter(kind="record").values_list("key", "result__stage"))
    assert rows["each/1/item-1"] == "each, item 2"
    ended = run.events.filter(kind="step_ended", step="each/1/item-0")
    assert [event.data["stage"] for event in ended] == ["each, item 1"]


def test_what_was_cancelled_elsewhere_runs_again_too(engine: Engine, owner: Membership, flaky: Flaky) -> None:
    flaky.fail = {"two"}
    run = engine.execute(a_pipeline_run(owner))
    row = run.steps.get(key="side")
    row.result = {**(row.result or {}), "status": "cancelled"}
    row.save()
    again = rerun_from(membership=owner, run=run, stage="two", edit={"output": "mine"})
    assert worked(flaky, engine, again) == (["side"], "succeeded", "mine")
    assert set(again.steps.filter(kind="record").values_list("result__status", flat=True)) == {"succeeded"}


def test_a_stage_is_run_again_with_another_input_or_output(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    run = engine.execute(a_pipeline_run(owner))
    given = rerun_from(membership=owner, run=run, stage="two", edit={"input": "other"})
    assert worked(flaky, engine, given) == (["two"], "succeeded", "other")
    gives = rerun_from(membership=owner, run=given, stage="one", edit={"output": "mine"})
    assert worked(flaky, engine, gives) == (["two"], "succeeded", "MINE")
    plain = rerun_from(membership=owner, run=run, stage="one")
    assert worked(flaky, engine, plain) == (["one", "two"], "succeeded", "HELLO")


def test_on_a_newer_version_only_what_it_defines_alike_is_taken_over(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    run = engine.execute(a_pipeline_run(owner))
    change(owner, ONE, {**TWO, "input": {"from": "stages.one.output"}}, SIDE, LAST)
    newer = rerun_from(membership=owner, run=run, stage="last", version="latest")
    assert worked(flaky, engine, newer) == (["two"], "succeeded", "hello")
    assert newer.request["version"] == 2


def test_nothing_is_taken_over_where_variables_begin_with_other_values(
    engine: Engine, owner: Membership, flaky: Flaky
) -> None:
    run = engine.execute(a_pipeline_run(owner))
    change(owner, *STAGES, variables={"tone": "kind"})
    newer = rerun_from(membership=owner, run=run, stage="last", version=2)
    assert worked(flaky, engine, newer)[0] == ["one", "side", "two"]


def test_what_cannot_be_gone_on_from_is_refused(engine: Engine, owner: Membership) -> None:
    run = a_pipeline_run(owner)
    with pytest.raises(InvalidRequest, match="still goes on"):
        resume(membership=owner, run=run)
    engine.execute(run)
    with pytest.raises(InvalidRequest, match="nothing to resume"):
        resume(membership=owner, run=run)
    with pytest.raises(InvalidRequest, match="no stage “nobody”"):
        rerun_from(membership=owner, run=run, stage="nobody")
    with pytest.raises(InvalidRequest, match="same kind and team"):
        rerun_from(membership=a_member(), run=run, stage="one")


def test_a_cancelled_run_goes_on_with_what_had_ended(engine: Engine, owner: Membership, flaky: Flaky) -> None:
    run = engine.execute(a_pipeline_run(owner))
    run.steps.filter(key__startswith="last").delete()
    row = run.steps.get(key="two")
    row.result = {"status": "cancelled"}
    row.save()
    Run.objects.filter(pk=run.pk).update(status="cancelled")
    run.refresh_from_db()
    assert worked(flaky, engine, resume(membership=owner, run=run)) == (["two"], "succeeded", "HELLO")
