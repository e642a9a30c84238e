"""Which optimisation rules act on a window of past runs."""

from __future__ import annotations

import pytest

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.optimising import PastRun, RuleObservation, firing, observations
from tests.support.routes import rules_of


def fired(rule: dict[str, Json], history: list[PastRun], **load: float) -> list[RuleObservation]:
    given = {"id": "o", "remedy": "switch method", "least": 3, "runs": 4, "minutes": 10, **rule}
    rules = rules_of(optimisations=[given]).optimisations
    return list(firing(rules, history, "strategy/voting", ("ada", "bob"), load))


def runs(*values: float, **fields: Json) -> list[PastRun]:
    usual: dict[str, Json] = {"method": "strategy/voting", "age_s": 1.0, "calls": 4}
    return [PastRun(seconds=each, **{**usual, **fields}) for each in values]


def test_latency_is_the_median_of_the_newest_runs_of_the_method() -> None:
    rule = {"signal": "latency", "limit": 10}
    assert [each.observed for each in fired(rule, runs(12, 11, 9, 30, 1, 1, 1))] == [11.5]
    assert fired(rule, runs(12, 1, 1, 30)) == []
    assert fired(rule, runs(12, 12)) == []
    assert fired(rule, runs(12, 12, 12, age_s=601.0)) == []
    assert fired(rule, runs(12, 12, 12, method="model/ada")) == []
    assert fired({**rule, "enabled": False}, runs(12, 12, 12)) == []


def test_quality_is_the_mean_of_what_was_judged() -> None:
    rule = {"signal": "quality", "limit": 0.5}
    assert [each.observed for each in fired(rule, runs(1, 1, 1, quality=0.4))] == [pytest.approx(0.4)]
    assert fired(rule, runs(1, 1, 1, quality=0.6)) == []
    assert fired(rule, [*runs(1, 1, quality=0.1), *runs(1, 1)]) == []


def test_retries_are_the_share_of_calls_that_were_repeated() -> None:
    rule = {"signal": "retries", "limit": 0.25}
    assert [each.observed for each in fired(rule, runs(1, 1, 1, repeated=1))] == [0.25]
    assert fired(rule, runs(1, 1, 1)) == []
    assert fired(rule, runs(1, 1, 1, calls=0)) == []


def test_a_model_is_overloaded_by_what_it_refused_or_by_what_it_has_now() -> None:
    rule = {"signal": "overload", "limit": 0.5}
    past = runs(1, 1, 1, asked={"ada": 2, "bob": 2}, refused={"bob": 2})
    assert [(each.model, each.observed) for each in fired(rule, past)] == [("bob", 1.0)]
    assert [each.model for each in fired(rule, [], ada=0.7)] == ["ada"]
    assert fired({**rule, "limit": 0}, []) == []


def test_what_was_seen_is_said_in_a_sentence() -> None:
    assert fired({"signal": "quality", "limit": 0.5}, runs(1, 1, 1, quality=0.4))[0].sentence == (
        "o: the mean quality is 40% over 3 runs (limit at most 50%), so: switch method."
    )
    assert "limit at least 10 s" in fired({"signal": "latency", "limit": 10}, runs(12, 12, 12))[0].sentence
    assert "repeated" in fired({"signal": "retries", "limit": 0.1}, runs(1, 1, 1, repeated=1))[0].sentence


def seen(rule: dict[str, Json], history: list[PastRun]) -> list[str]:
    given = {"id": "o", "remedy": "switch method", "least": 3, "runs": 4, "minutes": 10, **rule}
    rules = rules_of(optimisations=[given]).optimisations
    return [each.sentence for each in observations(rules, history, "strategy/voting", ("ada", "bob"), {})]


def test_a_rule_that_does_not_act_says_why() -> None:
    latency = {"signal": "latency", "limit": 10}
    few = "o: nothing to measure over 0 runs (limit at least 10 s); it needs 3 runs and has fewer."
    assert seen(latency, []) == [few]
    assert seen(latency, runs(1, 1, 1)) == [
        "o: a run takes 1.0 s (median) over 3 runs (limit at least 10 s); its limit is not reached."
    ]
    assert "needs 3 judged runs" in seen({"signal": "quality", "limit": 0.5}, runs(1, 1, 1))[0]
    past = runs(1, 1, 1, asked={"ada": 2, "bob": 2}, refused={"bob": 1})
    [idle] = seen({"signal": "overload", "limit": 0.9}, past)
    assert idle.startswith("o: 50% of the calls of bob are refused or wait over 3 runs (limit at least 90%);")
    assert "; it needs 3 calls" in seen({"signal": "overload", "limit": 0.9}, [])[0]
    assert seen({**latency, "enabled": False}, []) == []
    assert "nothing was measured" in seen({"signal": "retries", "limit": 0.1}, runs(1, 1, 1, calls=0))[0]


def test_a_remedy_has_a_usual_amount() -> None:
    rule = {"signal": "latency", "limit": 10, "remedy": "raise timeout"}
    assert fired(rule, runs(12, 12, 12))[0].amount == 2.0
    assert fired({**rule, "amount": 5}, runs(12, 12, 12))[0].amount == 5.0
