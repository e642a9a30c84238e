"""What other rules would have done with past requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.dry_run import DryRun, PastRequest, dry_run
from orchestration.routing.engine.optimising import PastRun
from orchestration.routing.engine.plans import Considered
from tests.support.routes import NOON, a_situation, planned, rules_of
from tests.support.rule_sets import rule

SLOW = {"id": "slow", "signal": "latency", "limit": 60, "remedy": "switch method", "least": 2}


def past(id: str, text: str = "What is 2 + 2?", seconds: float = 1.0, **fields: Json) -> PastRequest:
    considered: tuple[Considered, ...] = planned(text=text).considered
    run = PastRun(method="strategy/cascade", age_s=60.0 * int(id), seconds=seconds)
    given = {"situation": a_situation(text), "at": NOON, "considered": considered, "run": run}
    return PastRequest(id=id, **{**given, **fields})


def changed(found: DryRun) -> list[tuple[str, str, str]]:
    return [(each.id, each.before, each.after) for each in found.changed]


def test_the_requests_that_a_new_rule_matches_would_have_changed() -> None:
    requests = [past("1"), past("2", "Write a poem about rain.")]
    poems = rule("poems", "pipeline/letters", when={"tasks": ["creative"]})
    found = dry_run(requests, rules_of(), rules_of(poems))
    assert (found.requests, changed(found)) == (2, [("2", "cascade", "letters")])
    assert found.changed[0].why == "Rule poems: task creative."
    assert dry_run(requests, rules_of(poems), rules_of(poems)).changed == ()


def test_a_turned_dial_changes_those_without_one_of_their_own() -> None:
    requests = [past("1"), past("2", dial=0.5)]
    assert changed(dry_run(requests, rules_of(), rules_of(dial=0))) == [("1", "cascade", "ada")]


def test_what_a_request_named_itself_stays() -> None:
    assert dry_run([past("1", is_fixed=True)], rules_of(), rules_of(rule("all", "model/bob"))).changed == ()


def test_a_rule_whose_methods_could_not_be_used_then_is_passed_over() -> None:
    rules = rules_of(rule("gone", "pipeline/nowhere"), rule("bob", "model/bob"))
    assert changed(dry_run([past("1")], rules_of(), rules)) == [("1", "cascade", "bob")]


def test_balanced_requests_go_the_same_way_each_time() -> None:
    targets = [{"method": "model/ada", "weight": 1}, {"method": "model/bob", "weight": 1}]
    rules = rules_of({"id": "both", "how": "balance", "use": targets})
    requests = [past(str(number)) for number in range(1, 30)]
    found = changed(dry_run(requests, rules_of(), rules))
    assert {after for *_, after in found} == {"ada", "bob"}
    assert found == changed(dry_run(requests, rules_of(), rules))


def test_an_optimisation_acts_on_the_runs_before_a_request() -> None:
    requests = [past("1"), past("2", seconds=90.0), past("3", seconds=90.0), past("4", seconds=90.0)]
    found = dry_run(requests, rules_of(), rules_of(optimisations=[{**SLOW, "least": 3}]))
    assert changed(found) == [("1", "cascade", "cascade, switch method")]
    assert "(median)" in found.changed[0].why


def explored(id: str) -> PastRequest:
    """Return a request for which chance chose one of two methods, and that went as was expected."""
    chosen = ("model/ada", "model/bob")[int(id) % 2]
    considered = [
        replace(each, propensity=0.5 if each.level == "model" else 0.0)
        for each in planned(text="What is 2 + 2?").considered
    ]
    known = next(each for each in considered if each.ref == chosen)
    run = PastRun(
        method=chosen, age_s=60.0, seconds=known.seconds, quality=known.quality, cost_usd=known.cost_usd
    )
    return past(id, considered=considered, run=run)


def test_what_rules_would_have_brought_is_estimated_from_what_chance_chose() -> None:
    requests = [explored(str(number)) for number in range(1, 101)]
    found = dry_run(requests, rules_of(), rules_of(rule("bob", "model/bob"))).brought
    assert (found.decisions, found.refusal) == (100, "")
    assert found.quality is not None
    assert found.quality.mean == pytest.approx(0.75)
    assert found.before.quality == pytest.approx(0.675)


def test_where_too_little_is_known_no_estimate_is_made_but_the_reason_given() -> None:
    unjudged, fixed = past("1"), past("2", is_fixed=True)
    found = dry_run([unjudged, fixed, explored("3")], rules_of(), rules_of(dial=1)).brought
    assert (found.decisions, found.quality) == (1, None)
    assert "it takes 30" in found.refusal
    settled = [replace(explored("1"), considered=past("1").considered)]
    assert dry_run(settled, rules_of(), rules_of()).brought.decisions == 1


def test_pipelines_that_a_rule_set_offers_compete() -> None:
    best: dict[str, Json] = {"quality": 0.99, "cost_usd": 0.0, "seconds": 0.0}
    considered = [
        Considered(
            ref=ref,
            title=ref,
            level="",
            models=(),
            deviation=0.1,
            utility=0,
            evidence=0,
            offered=False,
            **best,
        )
        for ref in ("pipeline/letters",)
    ]
    requests = [past("1", considered=considered)]
    assert changed(dry_run(requests, rules_of(), rules_of(methods=["pipeline/letters"]))) == [
        ("1", "strategy/cascade", "pipeline/letters")
    ]
