"""Runs of strategies whose models call tools, on the real engine: built in, and of a real MCP server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.models import LanguageModel, Provider
from orchestration.llm.providers.addresses import Endpoint
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Run
from orchestration.runs.services.claims import claim_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.members import sendable_name
from orchestration.strategies.models import ModelProfile, Observation
from orchestration.strategies.parts.reasons import settings
from orchestration.tools.services.changing import add_server
from tests.support.definitions import stage
from tests.support.engines import Engine, until
from tests.support.history import a_member, signed_in
from tests.support.mcp_process import KEY
from tests.support.pipelines import a_pipeline, a_pipeline_run
from tests.support.provider_process import ProviderProcess

QUESTION = "What is 17 * 23?"


@pytest.fixture
def asker(transactional_db: None) -> Membership:
    member = a_member()
    seed_simulated(member.team)
    return member


@pytest.fixture
def provider() -> Iterator[ProviderProcess]:
    process = ProviderProcess()
    yield process
    process.stop()


def asked(member: Membership, *models: str, tools: Json = ("calculator",), **more: Json) -> Run:
    names = models or ("sim-scholar", "sim-swift")
    payload = {"text": QUESTION, "strategy": "parallel", "models": names, "tools": tools, **more}
    return store_run(membership=member, kind="strategy", payload=payload)


def connected(member: Membership, provider: ProviderProcess) -> None:
    row = Provider.objects.create(
        team=member.team, name="Loopback", kind="openai_compatible", base_url=provider.base_url
    )
    LanguageModel.objects.create(
        team=member.team, provider=row, name="alpha", remote_name="alpha", capabilities=["tools"]
    )


def test_a_model_that_can_calls_a_tool_and_the_page_shows_the_call(engine: Engine, asker: Membership) -> None:
    run = engine.execute(asked(asker))
    assert (run.status, run.request["tools"]) == ("succeeded", {"calculator": {}})
    steps = run.calls.order_by("model", "started_s").values_list("step", "finish")
    assert list(steps) == [
        ("ask/sim-scholar", "tool_calls"),
        ("ask/sim-scholar.round-2", "stop"),
        ("ask/sim-swift", "stop"),
    ]
    [ended] = run.events.filter(kind="tool_ended")
    assert ended.data["arguments"] == '{"expression": "17 * 23"}'
    assert (ended.data["result"], ended.data["model"]) == ('{"value": 391, "text": "391"}', "sim-scholar")
    page = signed_in(asker).get(f"/runs/{run.pk}/").content.decode()
    assert page.count("&quot;17 * 23&quot;") >= 2  # in the lane and in the log
    assert ("Tools", "calculator") in settings(run)
    exported = signed_in(asker).get(f"/runs/{run.pk}/json").content.decode()
    assert '"tool_ended"' in exported


def test_a_tool_of_an_mcp_server_is_called_under_a_name_that_providers_take(
    engine: Engine, asker: Membership, mcp_server: Endpoint, provider: ProviderProcess
) -> None:
    add_server(membership=asker, name="sums", base_url=mcp_server.base_url, api_key=KEY)
    connected(asker, provider)
    calls = [[sendable_name("sums.add"), '{"a": 4, "b": 5}'], [sendable_name("sums.add"), '{"a": "x"}']]
    provider.behave(every={"calls": calls})
    run = engine.execute(asked(asker, "alpha", tools=["sums.add"]))
    engine.runtime.submit(close_resources()).result()
    assert run.request["tools"]["sums.add"]["base_url"] == mcp_server.base_url
    assert '{"result": 9}' in run.answer
    assert "add of sums cannot take this" in run.answer
    ended = (
        run.events.filter(kind="tool_ended").order_by("step").values_list("step", "data__tool", "data__ok")
    )
    assert list(ended) == [("ask/alpha.tool-1", "sums.add", True), ("ask/alpha.tool-2", "sums.add", False)]


def test_tools_stay_with_a_run_that_is_started_again(engine: Engine, asker: Membership) -> None:
    run = asked(asker, tool_rounds=2)
    again = store_run(membership=asker, kind="strategy", payload=get_kind("strategy").payload(run))
    assert (again.request["tools"], again.request["tool_rounds"]) == ({"calculator": {}}, 2)
    assert ("Most rounds", "2") in settings(again)
    form = signed_in(asker).get(f"/?from={run.pk}").content.decode()
    assert 'value="calculator" class="form-check-input" id="id_tools_0" checked' in form
    assert engine.execute(again).status == "succeeded"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"tools": ["calculator", "nothing"]}, "tools"),
        ({"tools": ["calculator"] + [f"t{n}" for n in range(32)]}, "tools"),
        ({"tools": "calculator"}, "tools"),
        ({"tools": [3]}, "tools"),
        ({"tool_rounds": 1}, "tool_rounds"),
        ({"tool_rounds": 11}, "tool_rounds"),
    ],
)
def test_what_cannot_be_called_is_refused_before_the_run_starts(
    given: dict[str, Json], field: str, asker: Membership
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        asked(asker, **given)
    assert refused.value.field == field
    assert not Run.objects.exists()


def test_a_stage_that_asks_models_lets_them_call_tools(engine: Engine, asker: Membership) -> None:
    options = {"models": ["sim-scholar"], "tools": ["calculator"]}
    a_pipeline(asker, stage("sum", processor="model", options=options))
    run = engine.execute(a_pipeline_run(asker, input=QUESTION))
    assert (run.status, run.request["tools"]) == ("succeeded", {"calculator": {}})
    assert "Answer: 391" in str(run.output)
    [ended] = run.events.filter(kind="tool_ended")
    assert ended.step == "sum/1/model/ask/sim-scholar.tool-1"
    page = signed_in(asker).get(f"/runs/{run.pk}/?stage=sum").content.decode()
    assert "&quot;17 * 23&quot;" in page.split('class="lane-tools')[1]


def test_a_child_has_only_the_tools_that_its_run_was_frozen_with(asker: Membership) -> None:
    kind, run = get_kind("strategy"), asked(asker, "sim-scholar")
    claim = claim_run(run.pk, "test")
    assert claim is not None
    child = kind.check_child(claim.run, "parallel", {"text": "?", "tools": ["calculator"]}, ["sim-scholar"])
    assert child.request["tools"] == ["calculator"]
    with pytest.raises(InvalidRequest, match="may not use a tool called 'clock'"):
        kind.check_child(claim.run, "parallel", {"text": "?", "tools": ["clock"]}, ["sim-scholar"])


def test_an_answer_with_tools_counts_once_in_the_profile_of_its_model(
    engine: Engine, asker: Membership
) -> None:
    run = engine.execute(asked(asker, "sim-scholar"))
    until(Observation.objects.filter(run=run).exists)
    [profile] = ModelProfile.objects.filter(model__name="sim-scholar")
    assert (profile.asked, profile.answered, profile.timed) == (1, 1, 1)
    tokens = sum(run.calls.values_list("output_tokens", flat=True))
    assert profile.output_tokens == tokens


def test_the_command_names_tools(asker: Membership, engine: Engine) -> None:
    out = StringIO()
    names = {"model": ["sim-scholar"], "tool": ["calculator"], "team": asker.team.name}
    names["strategy"] = "parallel"
    call_command("orchestrate", QUESTION, json=True, stdout=out, **names)
    found = json.loads(out.getvalue())
    assert "The calculator computes 17 * 23" in found["answer"]
    assert [step["step"] for step in found["path"] if "tool" in step["step"]] == ["ask/sim-scholar.tool-1"]
