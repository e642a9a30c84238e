"""A money limit acts on what is spent: it drops no model from a question that costs a tenth of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from orchestra_site.accounts.models import Membership
from orchestration.llm.engine.types import Allowance, Completion, Json, Prices, Purpose, Usage, digest
from orchestration.llm.models import LanguageModel
from orchestration.llm.services.panel import thaw
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.runs.engine.budget import Limits
from orchestration.runs.models import Call, Run, RunStatus
from orchestration.runs.services.starting import store_run
from orchestration.strategies.engine.strategy import all_strategies
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.engines import Engine
from tests.support.history import a_member
from tests.support.logs import MemoryLog, context_on
from tests.support.models import ScriptedModel, prompt_of, spec_named
from tests.support.shown import a_model, a_shown_run

LOOP_FACTORY = SkippingLoop
NAMES = list(all_strategies())
QUESTION = "What is 17% of 2,300?"


def dear(name: str, text: str, tokens: int = 10) -> ScriptedModel:
    """Return a model of a cent for each token, which is expected to write ten and could write a thousand."""
    spec = replace(
        spec_named(name),
        prices=Prices(input_per_million=Decimal(0), output_per_million=Decimal(10_000)),
        max_output_tokens=1000,
        allowances=dict.fromkeys(Purpose, Allowance(expected=10, most=40)),
    )
    return ScriptedModel(spec, [Completion(text=text, usage=Usage(output_tokens=tokens))])


@pytest.mark.parametrize("name", NAMES)
async def test_no_model_is_dropped_for_the_longest_answer_that_it_could_write(name: str) -> None:
    members = [dear(f"m{place}", "Answer: 4") for place in range(3)]
    run = Stage(strategy=name, members=members, limits=Limits(money=Decimal("0.4")))
    outcome = await run.run()
    assert not [each for each in outcome.candidates if each.state == "missing"]
    assert outcome.answer == "Answer: 4"


@pytest.mark.parametrize("name", NAMES)
async def test_once_the_limit_is_spent_no_call_starts_and_the_run_ends_with_what_it_has(name: str) -> None:
    hedged = "Perhaps; I am not sure. I think so.\nAnswer: {}"
    members = [dear(f"m{place}", hedged.format(place), tokens=40) for place in range(4)]
    run = Stage(strategy=name, members=members, limits=Limits(money=Decimal("0.15")))
    if name == "voting":
        run.usual = {"waves": 1, "ballot": "answers", "stop": "off"}
    outcome = await run.run()
    assert sum(run.calls.values()) == 1
    assert outcome.answer == hedged.format(int(outcome.chosen[-1]))
    assert any("$0.15" in words for words in (*outcome.notes, *(each.error for each in outcome.candidates)))


def started(member: Membership, limit: str | None = None, **given: Json) -> Run:
    payload = {"text": QUESTION, "strategy": "parallel", "models": ("sage",), **given}
    constraints = {} if limit is None else {"max_cost_usd": limit}
    return store_run(membership=member, kind="strategy", payload={**payload, "constraints": constraints})


@pytest.mark.django_db
@pytest.mark.usefixtures("model")
class TestFrozenWithTheRun:
    @pytest.fixture
    def model(self, member: Membership) -> LanguageModel:
        model = a_model(member, "sage", price="20")
        LanguageModel.objects.update(max_output_tokens=8000)
        return model

    def test_without_a_money_limit_an_answer_may_be_as_long_as_the_model_can(
        self, member: Membership
    ) -> None:
        assert thaw(started(member).panel[0]).spec.allowances == {}

    def test_with_one_what_is_expected_and_allowed_is_in_the_panel(self, member: Membership) -> None:
        allowed = thaw(started(member, "0.01").panel[0]).spec.allowances
        assert set(allowed) == {"answer", "judge", "rank", "aggregate", "classify"}
        assert 4 * allowed[Purpose.ANSWER].expected <= allowed[Purpose.ANSWER].most < 2000

    def test_helpers_have_theirs(self, member: Membership) -> None:
        a_model(member, "judge")
        run = started(member, "0.01", options={"judge": "judge"})
        assert [entry["role"] for entry in run.panel if entry["spec"]["allowances"]] == ["member", "helper"]

    def test_a_generous_limit_cuts_nobody_off(self, member: Membership) -> None:
        assert thaw(started(member, "1").panel[0]).spec.allowances[Purpose.ANSWER].most == 8000

    def test_each_call_has_its_share_of_the_limit(self, member: Membership) -> None:
        a_model(member, "other")
        run = started(member, "0.08", models=("sage", "other"))
        assert thaw(run.panel[0]).spec.allowances[Purpose.ANSWER].most == 2000

    def test_it_is_learned_from_the_teams_calls(self, member: Membership, model: LanguageModel) -> None:
        for _ in range(12):
            a_shown_run(member, model)
        Call.objects.update(output_tokens=1500)
        assert thaw(started(member, "0.01").panel[0]).spec.allowances[Purpose.ANSWER].expected > 1000

    def test_a_run_that_is_resumed_after_more_history_asks_as_it_did(
        self, member: Membership, model: LanguageModel
    ) -> None:
        run, log = started(member, "0.01"), MemoryLog()
        assert asyncio.run(asked(run.panel[0], log)) == 1
        for _ in range(12):
            a_shown_run(member, model)
        Call.objects.update(output_tokens=1500)
        run.refresh_from_db()
        assert asyncio.run(asked(run.panel[0], log)) == 0
        assert started(member, "0.01").panel[0]["spec"]["allowances"] != run.panel[0]["spec"]["allowances"]

    def test_a_run_of_an_earlier_version_asks_as_it_did(self, member: Membership) -> None:
        entry, log = started(member, "0.01").panel[0], MemoryLog()
        del entry["spec"]["allowances"]
        asyncio.run(asked(entry, log))
        assert log.steps["ask/sage"].input_hash == digest("sage", prompt_of(QUESTION))


async def asked(entry: dict[str, Json], log: MemoryLog) -> int:
    """Ask the model of a panel's entry in a claim of the run of `log`; return how many calls started."""
    model = ScriptedModel(thaw(entry).spec)
    await context_on(log, replay=log.replay()).ask(model, prompt_of(QUESTION), "ask/sage")
    return model.count.started


def test_a_limit_of_a_cent_drops_no_model_from_a_question_that_costs_a_tenth_of_it(engine: Engine) -> None:
    member = a_member()
    seed_simulated(member.team)
    names = ("sim-oracle", "sim-scholar", "sim-sage")
    run = engine.execute(started(member, "0.01", strategy="voting", models=names))
    engine.runtime.submit(close_resources()).result()
    assert run.status == RunStatus.SUCCEEDED
    answered = run.calls.filter(purpose="answer", status="done")  # an attempt before it may have failed
    assert {call.model for call in answered} == set(names)
    assert run.cost_usd < Decimal("0.0025")
