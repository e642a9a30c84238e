"""Rule sets: what is wrong with one, at its place; and which requests a rule matches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.llm.engine.types import Json
from orchestration.routing.engine.rules import (
    Priority,
    RoutingRules,
    RuleMatch,
    match,
    read_rules,
    rules_schema,
)
from tests.support.routes import a_situation, rules_of

USE = [{"method": "model/ada"}]


def a_rule(**fields: Json) -> dict[str, Json]:
    return {"id": "one", "use": USE, **fields}


def matched(when: dict[str, Json], **situation: Json) -> RuleMatch:
    return match(rules_of(a_rule(when=when)).rules[0], a_situation(**situation))


@pytest.mark.parametrize(
    ("rule", "path", "words"),
    [
        (a_rule(id="Big"), "rules[0].id", "a small letter"),
        (a_rule(use=[]), "rules[0].use", ""),
        (a_rule(use=[{"method": "ada"}]), "rules[0].use[0].method", ""),
        (a_rule(when={"tasks": ["cooking"]}), "rules[0].when.tasks[0]", ""),
        (a_rule(when={"condition": "tokens >"}), "rules[0].when.condition", "not complete"),
        (a_rule(when={"condition": "size(answer) > 1"}), "rules[0].when.condition", "There is no “answer”"),
        (a_rule(when={"from_time": "09:00"}), "rules[0].when.until_time", "a beginning and an end"),
        (a_rule(when={"from_time": "25:00", "until_time": "06:00"}), "rules[0].when.from_time", ""),
        (a_rule(when={"zone": "Europe/Atlantis"}), "rules[0].when.zone", "no time zone"),
        (a_rule(when={"min_tokens": 9, "max_tokens": 3}), "rules[0].when.max_tokens", "less than"),
        (a_rule(use=[*USE, *USE]), "rules[0].how", "Several methods"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_at_its_place(rule: Json, path: str, words: str) -> None:
    rules, problems = read_rules({"name": "auto", "rules": [rule]})
    assert rules is None
    assert [each.path for each in problems] == [path]
    assert words in problems[0].message


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"limit": 3}, "optimisations[0].limit"),
        ({"least": 50}, "optimisations[0].least"),
        ({"signal": "mood"}, "optimisations[0].signal"),
        ({"remedy": "pray"}, "optimisations[0].remedy"),
        ({"limit": float("nan")}, ""),
    ],
)
def test_what_is_wrong_with_an_optimisation_is_said_at_its_place(fields: Json, path: str) -> None:
    rule = {"id": "o", "signal": "retries", "limit": 0.5, "remedy": "switch method", **fields}
    rules, problems = read_rules({"name": "auto", "optimisations": [rule]})
    assert (rules, problems[0].path) == (None, path)


def test_ids_are_unique() -> None:
    optimisation = {"id": "o", "signal": "latency", "limit": 9, "remedy": "switch method"}
    _, problems = read_rules({"name": "auto", "rules": [a_rule()] * 2, "optimisations": [optimisation] * 2})
    assert {each.path for each in problems} == {
        *("rules[0].id", "rules[1].id"),
        *("optimisations[0].id", "optimisations[1].id"),
    }


@pytest.mark.parametrize(
    "document", [None, [], "rules", {"name": "\ud800"}, {"name": "auto", "title": "\ud800"}]
)
def test_what_is_no_rule_set_is_refused_in_words(document: Json) -> None:
    rules, problems = read_rules(document)
    assert rules is None
    assert problems[0].message


def test_a_rule_set_that_is_too_large_is_refused() -> None:
    assert "too large" in read_rules({"name": "auto", "title": "x" * 600_000})[1][0].message


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"tasks": ["reasoning", "creative"]}, True),
        ({"tasks": ["creative"]}, False),
        ({"request_types": ["simple"]}, True),
        ({"request_types": ["research"]}, False),
        ({"priorities": ["critical"]}, False),
        ({"min_tokens": 3, "max_tokens": 20}, True),
        ({"min_tokens": 100}, False),
        ({"max_tokens": 2}, False),
        ({"condition": "kind == 'number' && tokens < 10 && weekday == 'mon' && hour == 12"}, True),
        ({"condition": "text.contains('banana')"}, False),
        ({"condition": "difficulty > 'much'"}, False),
        ({"days": ["mon"]}, True),
        ({"days": ["tue", "wed"]}, False),
        ({"busy_model": "ada"}, False),
    ],
)
def test_a_rule_matches_where_all_that_it_asks_for_holds(when: dict[str, Json], *, holds: bool) -> None:
    assert matched(when).matches is holds


@pytest.mark.parametrize(
    ("hours", "zone", "holds"),
    [
        (("09:00", "17:00"), "UTC", True),
        (("13:00", "17:00"), "UTC", False),
        (("13:00", "17:00"), "Europe/Berlin", True),
        (("22:00", "06:00"), "UTC", False),
        (("22:00", "06:00"), "Asia/Tokyo", False),
        (("20:00", "06:00"), "Asia/Tokyo", True),
        (("09:00", "17:00"), "", True),
    ],
)
def test_hours_are_those_of_a_zone_and_may_go_over_midnight(
    hours: tuple[str, str], zone: str, *, holds: bool
) -> None:
    assert matched({"from_time": hours[0], "until_time": hours[1], "zone": zone}).matches is holds


def test_a_day_is_that_of_the_zone() -> None:
    late = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert matched({"days": ["tue"], "zone": "Asia/Tokyo"}, now=late).matches


def test_a_busy_model_and_a_priority_are_reasons_in_words() -> None:
    when = {"busy_model": "ada", "priorities": ["high"]}
    found = matched(when, load={"ada": 0.9}, priority=Priority.HIGH)
    assert found == RuleMatch(matches=True, words="priority high, ada at 80% of its calls")


def test_a_set_names_methods_and_what_optimisations_use_instead() -> None:
    other = {"id": "o", "signal": "latency", "limit": 1, "remedy": "use other models", "to": "ada"}
    rules = rules_of(a_rule(), methods=["pipeline/a"], optimisations=[other, {**other, "id": "p", "to": ""}])
    assert rules.named == ("pipeline/a", *(each.method for each in rules.rules[0].use), "ada")


def test_a_rule_that_is_off_matches_nothing() -> None:
    rules: RoutingRules = rules_of(a_rule(enabled=False))
    assert match(rules.rules[0], a_situation()) == RuleMatch(matches=False, words="it is off")


def test_why_a_rule_does_not_match_is_said() -> None:
    assert matched({"min_tokens": 100}).words == "not at least 100 tokens"
    assert "cannot be evaluated" in matched({"condition": "difficulty > 'much'"}).words


def test_the_schema_of_rules_is_made_of_their_fields() -> None:
    rules_schema.cache_clear()
    assert [each.path for each in rules_schema().problems({"rules": "one"})]
