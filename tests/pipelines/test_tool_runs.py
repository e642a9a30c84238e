"""Pipelines whose stages call tools, on the real engine: built in, and of a real MCP server."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import Endpoint
from orchestration.runs.engine.types import EventKind, RunEvent
from orchestration.runs.models import HumanQuestion, Run
from orchestration.runs.services.commands import answer_question
from orchestration.runs.services.events import emit_events
from orchestration.tools.services.changing import add_server, remove
from pipelines.selectors import PIPELINES, TeamPipelines
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.mcp_process import KEY
from tests.support.pipelines import a_pipeline, a_pipeline_run, written

SUM = {"expression": "{{ input.text }} * 2"}


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    return a_member()


def call(name: str, tool: str, arguments: Json, **more: Json) -> Json:
    return stage(name, processor="tool", options={"name": tool, "arguments": arguments}, **more)


def rows(run: Run) -> Mapping[str, Json]:
    return {step.key: step.result for step in run.steps.filter(kind="record")}


def test_a_stage_calls_a_tool_of_an_mcp_server_and_the_log_says_so(
    engine: Engine, owner: Membership, mcp_server: Endpoint
) -> None:
    add_server(membership=owner, name="sums", base_url=mcp_server.base_url, api_key=KEY)
    twice = call("twice", "calculator", SUM)
    both = call("both", "sums.add", {"a": "{{ stages.twice.output.value }}", "b": 1}, needs="twice")
    a_pipeline(owner, twice, both)
    run = engine.execute(a_pipeline_run(owner, input={"text": "21"}))
    assert (run.status, run.output) == ("succeeded", {"result": 43})
    assert run.request["tools"]["sums.add"]["base_url"] == mcp_server.base_url
    ended = run.events.filter(kind="tool_ended").order_by("seq").values_list("step", "data__tool", "data__ok")
    assert list(ended) == [("twice/1/tool", "calculator", True), ("both/1/tool", "sums.add", True)]


def test_a_tool_that_fails_fails_its_stage_with_its_code(engine: Engine, owner: Membership) -> None:
    a_pipeline(owner, call("twice", "calculator", SUM))
    run = engine.execute(a_pipeline_run(owner, input={"text": "ten"}))
    assert (run.status, rows(run)["twice"]["error"]["code"]) == ("failed", "bad_arguments")
    assert "“ten” at character 1 is not known" in run.error


def test_a_tool_that_there_is_not_is_a_problem_of_its_stage(owner: Membership) -> None:
    inner = {"processor": "tool", "options": {"name": "a.b", "arguments": {}}}
    each = stage("each", processor="map", options={"items": {"from": "input.text"}, "stage": inner})
    text = written(call("twice", "sums.add", {}), call("sum", "calculator", SUM), each)
    found = PIPELINES.read(text, TeamPipelines(owner)).problems
    places = ["stages.twice.options.name", "stages.each.options.name"]
    assert [each.path for each in found] == places
    assert "no tool called “sums.add”" in found[0].message
    assert PIPELINES.read(text, {}).problems == ()


def test_a_pipeline_whose_tool_was_removed_does_not_start(owner: Membership, mcp_server: Endpoint) -> None:
    row = add_server(membership=owner, name="sums", base_url=mcp_server.base_url, api_key=KEY)
    a_pipeline(owner, call("twice", "sums.add", {}))
    remove(membership=owner, row=row)
    with pytest.raises(InvalidRequest, match=r"no tool called 'sums\.add'") as refused:
        a_pipeline_run(owner)
    assert refused.value.field == "stages.twice.options.name"


def test_a_call_that_a_killed_process_left_open_is_asked_about_and_its_result_entered(
    engine: Engine, owner: Membership, mcp_server: Endpoint
) -> None:
    add_server(membership=owner, name="sums", base_url=mcp_server.base_url, api_key=KEY)
    a_pipeline(owner, call("told", "sums.describe", {"name": "{{ input.text }}"}))
    run = a_pipeline_run(owner)
    left = RunEvent(
        kind=EventKind.TOOL_CALLED, step="told/1/tool", data={"tool": "sums.describe", "attempt": 1}
    )
    emit_events(run, [left], fence=1)
    for words, answer in (
        ("should happen?", "Enter the result"),
        ("What did describe of sums give?", "Twice."),
    ):
        assert engine.execute(run).status == "waiting"
        question = HumanQuestion.objects.get(run=run, answered_at=None)
        assert words in question.text
        answer_question(membership=owner, question=question, answer=answer)
    assert (engine.execute(run).status, run.output) == ("succeeded", "Twice.")
    assert run.events.filter(kind=EventKind.TOOL_ENDED).count() == 0
