"""Rules and optimisations with the runs that they change, and the same requests without them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from orchestra_site.accounts.models import Membership, Role
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from orchestration.llm.services.panel import thaw
from orchestration.llm.services.registry.seeding import seed_simulated
from orchestration.llm.services.resources import close_resources
from orchestration.routing.engine.analysis import analyse
from orchestration.routing.engine.learning import levels
from orchestration.routing.models import RoutedAnswer, RouterCell
from orchestration.routing.parts.preview import preview
from orchestration.routing.selectors import past_runs, router_state, spent_exploring
from orchestration.runs.kinds import get_kind
from orchestration.runs.models import Call, Run
from orchestration.runs.services.learning import learn_from_ended_runs, rate_run
from orchestration.runs.services.starting import store_run
from orchestration.strategies.models import ModelProfile
from orchestration.strategies.services.strategy_runs import with_timeout
from tests.support.definitions import stage
from tests.support.engines import Engine
from tests.support.history import a_member, a_run
from tests.support.lineups import a_lineup
from tests.support.pipelines import a_pipeline
from tests.support.rule_sets import a_rule_set, rule

QUESTION = "What is 17% of 2,300?"
WHOLE = {"from": "input", "transforms": ["upper"]}
BROKEN = {"from": "input", "transforms": ["parse_json"]}


@pytest.fixture
def member(transactional_db: None) -> Membership:
    member = a_member(Role.OWNER)
    seed_simulated(member.team)
    return member


@pytest.fixture
def closed(engine: Engine) -> Iterator[Engine]:
    yield engine
    asyncio.run_coroutine_threadsafe(close_resources(), engine.runtime.loop).result(5)


def an_auto_run(member: Membership, **payload: object) -> Run:
    return store_run(membership=member, kind="auto", payload={"text": QUESTION, **payload})


def methods(run: Run) -> list[str]:
    return [each["ref"] for each in run.request["plan"]["chain"]]


def test_a_rule_sends_a_question_to_a_pipeline_and_without_it_another_method_answers(
    closed: Engine, member: Membership
) -> None:
    a_pipeline(member, stage("loud", processor="transform", input=WHOLE), name="shout")
    assert methods(an_auto_run(member))[0] != "pipeline/shout"
    a_rule_set(member, rule("sums", "pipeline/shout", when={"condition": "kind == 'number'"}))
    run = closed.execute(an_auto_run(member))
    assert (run.answer, run.request["plan"]["rule"]) == (QUESTION.upper(), "sums")
    assert (run.request["version"], run.calls.count()) == (1, 0)


def test_a_session_and_a_pipeline_that_fail_are_followed_by_a_strategy_and_a_model(
    closed: Engine, member: Membership
) -> None:
    a_lineup(member, limits={"messages": 1})
    a_pipeline(member, stage("parse", processor="transform", input=BROKEN), name="broken")
    a_rule_set(member, methods=["pipeline/broken"], fall_back_below=1)
    best = {"judged": 500.0, "quality": 500.0, "counted": 500.0}
    for level in levels(analyse(QUESTION).context):
        RouterCell.objects.create(team=member.team, ref="strategy/voting", level=level, **best)
    run = closed.execute(an_auto_run(member, method="session/small"))
    assert [each.partition("/")[0] for each in methods(run)] == ["session", "pipeline", "strategy", "model"]
    assert run.outcome is not None
    assert [each["ok"] for each in run.outcome["attempts"]] == [False, False, False, True]
    assert (run.status, run.outcome["method"].partition("/")[0]) == ("succeeded", "model")
    learn_from_ended_runs()
    known = set(RouterCell.objects.filter(level="").values_list("ref", "judged"))
    assert ("session/small", 0.5) in known
    # what is asked after it sees the questions alone that it failed with
    assert {judged for ref, judged in known if ref.startswith(("pipeline/", "model/"))} == {
        0.0
    }  # asked after it
    assert ModelProfile.objects.filter(asked__gt=0).exists()


def test_a_method_of_a_rule_that_cannot_be_frozen_is_passed_over_with_a_remark(member: Membership) -> None:
    asks = stage("ask", options={"prompt": "{{ input.text }}", "models": ["sim-sage"]})
    a_pipeline(member, asks, name="asks")
    a_rule_set(member, rule("all", "pipeline/asks"))
    run = an_auto_run(member, excluded=["sim-sage"])
    assert methods(run)[0].startswith("strategy/")
    assert any("it may ask sim-sage" in each for each in run.request["plan"]["remarks"])
    with pytest.raises(InvalidRequest, match="which this request excludes") as refused:
        an_auto_run(member, excluded=["sim-sage"], method="pipeline/asks")
    assert refused.value.field == "method"
    assert "cannot be used; " in run.request["plan"]["reason"]


def test_a_pipeline_may_ask_auto_even_one_that_its_rules_name(closed: Engine, member: Membership) -> None:
    asks = {"kind": "auto", "ref": "auto", "payload": {"text": "{{ input }}", "method": "strategy/voting"}}
    a_pipeline(member, stage("ask", processor="run", options=asks), name="asks")
    a_rule_set(member, rule("all", "pipeline/asks"))
    run = closed.execute(an_auto_run(member))
    assert (run.status, run.error, methods(run)[0]) == ("succeeded", "", "pipeline/asks")
    planned = (run.steps.get(key__endswith="/plan").result or {})["plan"]
    assert (planned["method"], planned["decided_by"]) == ("strategy/voting", "request")
    assert "391" in run.answer


def test_slow_runs_switch_the_method_and_raise_the_time_limit(closed: Engine, member: Membership) -> None:
    now = timezone.now()
    for _ in range(3):
        slow = a_run(member, QUESTION, kind="strategy", ref="voting", status="succeeded")
        Run.objects.filter(pk=slow.pk).update(started_at=now - timedelta(seconds=90), finished_at=now)
    switch = {
        "id": "o",
        "signal": "latency",
        "limit": 60,
        "least": 3,
        "remedy": "switch method",
        "to": "model/sim-sage",
    }
    before = an_auto_run(member, method="strategy/voting")
    a_rule_set(member, optimisations=[switch, {**switch, "id": "p", "remedy": "raise timeout", "amount": 2}])
    after = closed.execute(an_auto_run(member, method="strategy/voting"))
    assert (methods(before)[0], methods(after)[0]) == ("strategy/voting", "model/sim-sage")
    assert after.request["plan"]["decided_by"] == "optimisation"
    assert after.request["plan"]["timeout_factor"] == 2
    frozen = thaw(after.panel[0])
    assert with_timeout(frozen, 2).timeout_s == 2 * frozen.timeout_s
    assert with_timeout(frozen, 1e9).timeout_s == 3_600


def test_an_answer_to_the_same_question_is_used_again_where_a_rule_says_so(
    closed: Engine, member: Membership
) -> None:
    closed.execute(an_auto_run(member, method="strategy/parallel"))
    again = {"id": "o", "signal": "latency", "limit": 0, "least": 1, "remedy": "reuse answers"}
    a_rule_set(member, optimisations=[again])
    run = closed.execute(an_auto_run(member, method="strategy/parallel"))
    assert (run.status, run.calls.count()) == ("succeeded", 0)
    assert run.outcome is not None
    assert run.outcome["reused"] == str(Run.objects.exclude(pk=run.pk).get().pk)
    other = closed.execute(an_auto_run(member, method="strategy/parallel", system="Be brief."))
    assert other.calls.count() > 0
    learn_from_ended_runs()
    assert RoutedAnswer.objects.count() == 2


def test_a_critical_request_uses_no_answer_again_that_needed_no_consensus(
    closed: Engine, member: Membership
) -> None:
    again = {"id": "o", "signal": "latency", "limit": 0, "least": 1, "remedy": "reuse answers"}
    a_rule_set(member, optimisations=[again])
    closed.execute(an_auto_run(member, method="strategy/voting"))
    critical = an_auto_run(member, method="strategy/voting", priority="critical")
    assert critical.request["reused"] is None
    closed.execute(critical)
    assert an_auto_run(member, method="strategy/voting", priority="critical").request["reused"]


def test_a_model_that_refuses_calls_is_spared(member: Membership) -> None:
    run = a_run(member, QUESTION, kind="strategy", ref="voting", status="succeeded")
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now(), finished_at=timezone.now())
    for attempt in range(5):
        Call.objects.create(
            run=run,
            step="ask/a",
            attempt=attempt,
            model="sim-sage",
            purpose="answer",
            error_code="rate_limited",
        )
    assert past_runs(member, timezone.now(), 60)[0].refused == {"sim-sage": 5}
    found = an_auto_run(member, method="strategy/voting")
    assert "sim-sage" not in found.request["plan"]["chain"][0]["models"]
    assert "of sim-sage" in found.request["plan"]["fired"][0]


def test_a_run_is_planned_anew_when_it_is_run_again(member: Membership) -> None:
    run = an_auto_run(member, method="strategy/voting", tools=["clock"], dial=0.7)
    payload = get_kind("auto").payload(run)
    assert "plan" not in payload
    again = store_run(membership=member, kind="auto", payload=payload)
    assert (methods(again), again.request["dial"]) == (methods(run), 0.7)
    assert list(again.request["tools"]) == ["clock"]
    stored = store_run(membership=member, kind="auto", payload=run.request)
    assert methods(stored) == methods(run)


def test_what_exploring_may_cost_is_counted_over_a_day(member: Membership) -> None:
    run = an_auto_run(member)
    run.request["plan"] |= {"explored": True, "extra_usd": 0.02}
    run.save()
    assert spent_exploring(member, timezone.now()) == pytest.approx(0.02)
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert spent_exploring(member, timezone.now()) == 0.0


def test_ratings_move_what_is_known_of_the_method_and_back(closed: Engine, member: Membership) -> None:
    run = closed.execute(an_auto_run(member, method="strategy/parallel"))
    rate_run(membership=member, run=run, value=1)
    learn_from_ended_runs()
    rated = _judged(member)
    other = a_member(Role.OPERATOR, member.team)
    rate_run(membership=other, run=run, value=-1)
    assert _judged(member) == pytest.approx(rated + 1.0)
    rate_run(membership=member, run=run, value=1)
    assert _judged(member) == pytest.approx(rated + 1.0)


def _judged(member: Membership) -> float:
    cells = router_state(member).cells
    return sum(
        sums.judged for cell, sums in cells.items() if cell.ref == "strategy/parallel" and not cell.level
    )


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"models": ["gpt-none"]}, "There is no model 'gpt-none'"),
        ({"required": ["gpt-none"]}, "There is no model 'gpt-none'"),
        ({"ref": "nowhere"}, "no published rule set"),
        ({"constraints": {"max_cost_usd": "much"}}, "not an amount"),
        ({"method": "session/nowhere"}, "There is no method"),
        ({"tools": ["hammer"]}, "hammer"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(member: Membership, payload: Json, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        an_auto_run(member, **payload)


def test_what_another_team_has_learned_and_published_is_not_used(closed: Engine, member: Membership) -> None:
    other = a_member(Role.OWNER)
    seed_simulated(other.team)
    a_rule_set(other, rule("all", "strategy/voting"), name="theirs")
    closed.execute(an_auto_run(other, ref="theirs"))
    learn_from_ended_runs()
    assert router_state(member).cells == {}
    with pytest.raises(InvalidRequest, match="no published rule set"):
        an_auto_run(member, ref="theirs")


class TestPreview:
    def test_it_says_what_would_be_chosen_with_its_cost_and_time(self, member: Membership) -> None:
        found = preview(member, {"text": QUESTION, "method": "strategy/voting"})
        assert (found.title, found.refusal) == ("Voting", "")
        assert found.estimate is not None
        assert (found.estimate.calls_low, found.estimate.calls_high) == (3, 6)

    def test_it_knows_single_models_and_what_other_kinds_took(self, member: Membership) -> None:
        alone = preview(member, {"text": QUESTION, "method": "model/sim-sage"})
        assert alone.estimate is not None
        assert (alone.title, alone.estimate.calls_high) == ("sim-sage alone", 1)
        a_lineup(member)
        session = preview(member, {"text": QUESTION, "method": "session/small"})
        assert session.estimate is not None
        assert session.estimate.cost_high is not None

    def test_without_a_question_it_says_nothing_and_what_is_impossible_is_said(
        self, member: Membership
    ) -> None:
        assert preview(member, {"text": " "}).estimate is None
        refused = preview(member, {"text": QUESTION, "constraints": {"max_calls": "x"}})
        assert refused.refusal
        assert refused.estimate is None
