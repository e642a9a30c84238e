"""Pipelines whose stages call tools, on the real engine: built in, and of a real MCP server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.addresses import Endpoint
from orchestration.runs.models import Run
from orchestration.tools.services.changing import add_server
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.mcp_server import KEY, mcp_process
from tests.support.pipelines import a_pipeline, a_pipeline_run

SUM = {"expression": "{{ input.text }} * 2"}


@pytest.fixture(scope="module")
def server() -> Iterator[Endpoint]:
    with mcp_process("--key", KEY) as endpoint:
        yield endpoint


@pytest.fixture
def owner(transactional_db: None) -> Membership:
    return a_member()


def call(name: str, tool: str, arguments: Json, **more: Json) -> Json:
    return stage(name, processor="tool", options={"name": tool, "arguments": arguments}, **more)


def rows(run: Run) -> Mapping[str, Json]:
    return {step.key: step.result for step in run.steps.filter(kind="record")}


def test_a_stage_calls_a_tool_of_an_mcp_server_and_the_log_says_so(
    engine: Engine, owner: Membership, server: Endpoint
) -> None:
    add_server(membership=owner, name="sums", base_url=server.base_url, api_key=KEY)
    twice = call("twice", "calculator", SUM)
    both = call("both", "sums.add", {"a": "{{ stages.twice.output.value }}", "b": 1}, needs="twice")
    a_pipeline(owner, twice, both)
    run = engine.execute(a_pipeline_run(owner, input={"text": "21"}))
    assert (run.status, run.output) == ("succeeded", {"result": 43})
    assert run.request["tools"]["sums.add"]["base_url"] == server.base_url
    ended = run.events.filter(kind="tool_ended").order_by("seq").values_list("step", "data__tool", "data__ok")
    assert list(ended) == [("twice/1/tool", "calculator", True), ("both/1/tool", "sums.add", True)]


def test_a_tool_that_fails_fails_its_stage_with_its_code(engine: Engine, owner: Membership) -> None:
    a_pipeline(owner, call("twice", "calculator", SUM))
    run = engine.execute(a_pipeline_run(owner, input={"text": "ten"}))
    assert (run.status, rows(run)["twice"]["error"]["code"]) == ("failed", "bad_arguments")
    assert "“ten” at character 1 is not known" in run.error


def test_a_pipeline_with_a_tool_that_there_is_not_does_not_start(owner: Membership) -> None:
    a_pipeline(owner, call("twice", "sums.add", {}))
    with pytest.raises(InvalidRequest, match=r"no tool called 'sums\.add'") as refused:
        a_pipeline_run(owner)
    assert refused.value.field == "stages.twice.options.name"
