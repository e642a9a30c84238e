"""Which method answers a request, what follows it, and what is said where none can."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Capability, Json
from orchestration.routing.engine.arms import Result
from orchestration.routing.engine.constraints import inability
from orchestration.routing.engine.learning import RouterState
from orchestration.routing.engine.optimising import PastRun
from orchestration.routing.engine.planning import plan
from orchestration.routing.engine.plans import DecidedBy, Knowledge
from orchestration.routing.engine.request import parsed_auto
from tests.support.models import spec_named
from tests.support.routes import METHODS, SUM, a_method, a_situation, planned, refs, rules_of
from tests.support.rule_sets import rule


def test_without_rules_the_method_that_is_worth_most_by_the_dial_is_chosen() -> None:
    assert planned(dial=0).method == "model/ada"
    assert planned(dial=0.5).method == "strategy/cascade"
    best = planned(dial=1)
    assert (best.method, best.decided_by) == ("strategy/voting", DecidedBy.SCORE)
    assert "expected to be worth most of 4 methods" in best.reason


def test_the_dial_of_the_rule_set_holds_where_the_request_has_none() -> None:
    assert planned(rules_of(dial=0)).method == "model/ada"
    assert planned(rules_of(dial=0), dial=1).method == "strategy/voting"


def test_what_was_learned_changes_the_choice_and_is_said() -> None:
    context = a_situation().analysis.context
    state = RouterState()
    for _ in range(60):
        state = state.observe(context, "model/bob", Result(quality=1.0, cost_usd=0.0001, seconds=1.0))
    found = planned(knowledge={"state": state})
    assert found.method == "model/bob"
    assert "judged results with questions of this kind" in found.reason


def test_the_chain_goes_down_from_what_was_chosen() -> None:
    rules = rules_of(methods=["pipeline/letters"])
    options = [*METHODS[:4], a_method("pipeline/letters", offered=True), METHODS[5]]
    found = planned(rules, {"options": options}, method="session/board", dial=0)
    assert refs(found) == ["session/board", "pipeline/letters", "strategy/cascade", "model/ada"]
    assert found.decided_by is DecidedBy.REQUEST


def test_after_a_single_model_comes_the_next_best_one() -> None:
    assert refs(planned(method="model/ada")) == ["model/ada", "model/bob"]
    assert refs(planned(knowledge={"options": METHODS[:1]})) == ["model/ada"]


def test_pipelines_that_are_not_offered_are_chosen_by_rules_alone() -> None:
    by_rule = planned(rules_of(rule("letters", "pipeline/letters", when={"tasks": ["reasoning"]})))
    assert (by_rule.method, by_rule.rule, by_rule.decided_by) == (
        "pipeline/letters",
        "letters",
        DecidedBy.RULE,
    )
    assert refs(by_rule) == ["pipeline/letters", "strategy/cascade", "model/bob"]
    assert "pipeline/letters" not in refs(planned(method="session/board"))


def test_the_first_rule_that_matches_and_can_be_followed_decides() -> None:
    rules = rules_of(
        rule("never", "model/ada", when={"tasks": ["creative"]}),
        rule("gone", "pipeline/nowhere"),
        rule("refused", "model/bob"),
        rule("last", "strategy/voting", note="To be sure"),
    )
    found = planned(rules, excluded=["bob"], knowledge={"options": _without_bob()})
    assert (found.method, found.rule) == ("strategy/voting", "last")
    assert found.reason.startswith("Rule “To be sure” matches")
    assert any("pipeline/nowhere is not there" in each for each in found.remarks)
    assert any("bob asks bob" in each for each in found.remarks)


def _without_bob() -> list[Json]:
    return [*METHODS[:2], a_method("strategy/voting", 0.8, models=("ada",))]


def test_a_rule_fails_over_in_its_order() -> None:
    rules = rules_of(rule("both", "session/board", "model/bob", how="failover"))
    assert refs(planned(rules)) == ["session/board", "model/bob", "model/ada"]


def test_a_rule_balances_by_weights_and_says_with_which_chance() -> None:
    targets = [{"method": "model/ada", "weight": 3}, {"method": "model/bob", "weight": 1}]
    rules = rules_of({"id": "both", "how": "balance", "use": targets})
    known, random = Knowledge(rules=rules, options=METHODS), Random(3)
    found = [plan(parsed_auto({"text": SUM}), a_situation(), known, random) for _ in range(200)]
    assert 120 < Counter(each.method for each in found)["model/ada"] < 180
    assert {(each.method, each.propensity) for each in found} == {("model/ada", 0.75), ("model/bob", 0.25)}


def test_exploring_spends_no_more_than_is_left_and_logs_its_chance() -> None:
    none = planned(knowledge={"remaining_usd": 0.0})
    assert (none.explored, none.propensity, none.extra_usd) == (False, 1.0, 0.0)
    known, random = Knowledge(rules=rules_of(), options=METHODS, remaining_usd=1.0), Random(1)
    found = [plan(parsed_auto({"text": SUM}), a_situation(), known, random) for _ in range(60)]
    explored = [each for each in found if each.explored]
    assert explored
    assert all(0 < each.propensity < 1 for each in explored)
    assert "is tried to learn more" in explored[0].reason
    assert all(each.propensity > 0 for each in found[0].considered if each.offered and not each.obstacle)


@pytest.mark.parametrize(
    ("request_", "field", "words"),
    [
        ({"constraints": {"max_cost_usd": "0.00001"}}, "max_cost_usd", "With $0.000100 it could be used"),
        ({"constraints": {"max_latency_s": 0.5}}, "max_latency_s", "the time limit stands in the way"),
        ({"constraints": {"min_quality": 0.99}}, "min_quality", "With 80.0% it could be used"),
        ({"required": ["eve"]}, "required", "does not ask eve"),
        ({"excluded": ["ada", "bob"]}, "excluded", "the list of excluded models stands in the way"),
        ({"method": "session/nowhere"}, "method", "There is no method “session/nowhere”"),
        ({"method": "pipeline/letters", "require_consensus": True}, "require_consensus", "no agreement"),
        ({"method": "pipeline/letters", "require_explanation": True}, "require_explanation", "its own form"),
    ],
)
def test_limits_that_no_method_meets_are_named_with_what_would_work(
    request_: dict[str, Json], field: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        planned(**request_)
    assert refused.value.field == field
    assert words in str(refused.value)


def test_several_limits_that_stand_in_the_way_together_are_all_named() -> None:
    with pytest.raises(InvalidRequest, match="the least quality and the required consensus stand in the way"):
        planned(None, {"options": METHODS[:2]}, require_consensus=True, constraints={"min_quality": 0.9})


def test_too_few_calls_rule_out_what_needs_more() -> None:
    found = planned(constraints={"max_calls": 1}, dial=1)
    assert found.method == "model/bob"
    with pytest.raises(InvalidRequest, match="makes at least 2 calls"):
        planned(constraints={"max_calls": 1}, require_consensus=True)


def test_what_none_of_its_models_can_do_rules_a_method_out_with_the_reason() -> None:
    small, large = (replace(spec_named(name), context_window=size) for name, size in (("s", 100), ("l", 900)))
    caller = replace(small, capabilities=frozenset({Capability.TOOLS}))
    assert inability([small, large], 800, tools=False) is None
    assert inability([small, caller], 90, tools=True) is None
    assert inability([], 90, tools=True) is None
    mute, short = inability([small], 90, tools=True), inability([small], 800, tools=False)
    found = planned(knowledge={"options": [*METHODS[:2], replace(METHODS[2], lacks=mute)]}, dial=1)
    assert found.considered[-1].obstacle == "asks no model that can call tools"
    assert found.method != METHODS[2].ref
    with pytest.raises(
        InvalidRequest, match=r"the length of the request stands in the way.*at most 100 tokens"
    ) as no:
        planned(knowledge={"options": [replace(METHODS[0], lacks=short)]})
    assert no.value.field == "text"


def test_without_any_model_that_is_said() -> None:
    with pytest.raises(InvalidRequest, match="no model to ask yet"):
        planned(knowledge={"options": ()})


@pytest.mark.parametrize("asked", [{"priority": "critical"}, {"require_consensus": True}])
def test_critical_requests_and_those_that_say_so_need_a_method_that_shows_agreement(asked: Json) -> None:
    found = planned(**asked)
    assert refs(found) == ["strategy/voting"]
    cascade = next(each for each in found.considered if each.ref == "strategy/cascade")
    assert cascade.obstacle == "shows no agreement of several models"


def test_a_critical_request_that_no_method_meets_says_that_the_priority_requires_consensus() -> None:
    with pytest.raises(InvalidRequest, match="the critical priority, which requires consensus,") as refused:
        planned(priority="critical", knowledge={"options": METHODS[:2]})
    assert refused.value.field == "priority"


def test_preferred_models_are_used_where_any_can_be() -> None:
    found = planned(preferred=["bob"], dial=0, knowledge={"options": METHODS[:2]})
    assert found.method == "model/bob"
    assert "Only methods that ask bob were compared." in found.remarks
    otherwise = planned(preferred=["eve"], dial=0)
    assert otherwise.method == "model/ada"
    assert "No method that can be used asks eve." in otherwise.remarks


def test_required_and_excluded_models_are_hard() -> None:
    assert planned(required=["bob"], dial=0).method != "model/ada"
    assert planned(excluded=["bob"], dial=1).method == "model/ada"


def test_considered_methods_stand_best_first_those_that_cannot_be_used_last() -> None:
    found = planned(excluded=["bob"], dial=1)
    assert found.chosen.ref == found.considered[0].ref == "model/ada"
    assert [bool(each.obstacle) for each in found.considered] == sorted(
        bool(each.obstacle) for each in found.considered
    )


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "x" * 200_001}, "text"),
        ({"text": "?", "system": "x" * 200_001}, "system"),
        ({"text": "?", "dial": 2}, "dial"),
        ({"text": "?", "dial": float("nan")}, "dial"),
        ({"text": "?", "priority": "urgent"}, "priority"),
        ({"text": "?", "colour": "red"}, "colour"),
        ({"text": "?", "required": ["a"], "excluded": ["a"]}, "excluded"),
        ({"text": "?", "constraints": {"max_calls": 0}}, "max_calls"),
        ({"text": ["?"]}, "text"),
        ({}, "text"),
    ],
)
def test_a_bad_request_is_refused_at_its_field(payload: Json, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed_auto(payload)
    assert refused.value.field == field


def slow(method: str, count: int = 6, **fields: Json) -> list[PastRun]:
    given = {"seconds": 90.0, "calls": 2, **fields}
    return [PastRun(method=method, age_s=60.0 * n, **given) for n in range(count)]


def optimised(remedy: str, **fields: Json) -> Json:
    return rules_of(optimisations=[{"id": "o", "signal": "latency", "limit": 60, "remedy": remedy, **fields}])


def test_a_slow_method_is_switched_and_the_same_request_without_the_rule_is_not() -> None:
    history = slow("strategy/cascade")
    found = planned(optimised("switch method"), {"history": history})
    assert (found.method, found.decided_by) == ("strategy/voting", DecidedBy.OPTIMISATION)
    assert "a run takes 90.0 s (median)" in found.fired[0]
    assert refs(found)[1] == "strategy/cascade"
    assert planned(None, {"history": history}).method == "strategy/cascade"


def test_a_switch_goes_where_the_rule_says_or_nowhere() -> None:
    known = {"history": slow("strategy/cascade")}
    assert planned(optimised("switch method", to="session/board"), known).method == "session/board"
    stays = planned(optimised("switch method", to="session/nowhere"), known)
    assert stays.method == "strategy/cascade"
    assert "session/nowhere cannot be used" in stays.remarks[0]


def test_remedies_change_how_a_method_is_executed() -> None:
    known = {"history": slow("strategy/voting")}
    voting = {"method": "strategy/voting"}
    assert planned(optimised("reduce parallelism"), known, **voting).chain[0].options == {"waves": 1}
    assert planned(optimised("raise timeout", amount=3), known, **voting).timeout_factor == 3
    assert planned(optimised("reuse answers", amount=15), known, **voting).reuse_minutes == 15
    plain = planned(rules_of(), known, **voting)
    assert (plain.chain[0].options, plain.timeout_factor, plain.reuse_minutes) == ({}, 1.0, 0.0)


def test_a_busy_model_makes_room_for_another_one() -> None:
    busy = {"id": "o", "signal": "overload", "limit": 0.9, "remedy": "use other models"}
    options = [*METHODS, a_method("model/eve", 0.5)]
    known: dict[str, Json] = {"options": options, "load": {"ada": 1.0}}
    found = planned(rules_of(optimisations=[busy]), known, method="strategy/voting")
    assert found.chain[0].models == ("eve", "bob")
    assert "of ada" in found.fired[0]
    named = planned(rules_of(optimisations=[{**busy, "to": "bob"}]), known, method="model/ada")
    assert (named.chain[0].models, named.chain[0].title) == (("bob",), "bob alone")
    alone = {"options": METHODS[:1], "load": {"ada": 1.0}}
    assert planned(rules_of(optimisations=[busy]), alone).chain[0].models == ("ada",)
