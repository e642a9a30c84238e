"""What the decisions of Auto on the items of an evaluation amount to, on plain routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from orchestration.evaluation.engine.decisions.consensus import critical_requests
from orchestration.evaluation.engine.decisions.fallbacks import fallbacks
from orchestration.evaluation.engine.decisions.items import RoutedItem
from orchestration.evaluation.engine.decisions.methods import selection
from orchestration.evaluation.engine.decisions.optimisations import effect, rule_reports
from orchestration.llm.engine.types import Json
from tests.support.evaluations import a_route, a_watched_rule, an_attempt

NORMAL = {"priority": "normal", "needs_consensus": False, "watched": []}
ALONE = an_attempt(ref="model/sage", title="sage alone", quality=None, agreement=None)


def item(number: int, task: str = "reasoning", *, right: bool | None = True, **fields: Json) -> RoutedItem:
    route = a_route(**{"attempts": [an_attempt()], **NORMAL, **fields})
    return RoutedItem(number=number, task_type=task, correct=right, cost_usd=Decimal("0.02"), route=route)


def test_methods_are_counted_by_type_of_task_the_most_frequent_first() -> None:
    items = [item(1), item(2, right=False), item(3, title="Cascade", right=None), item(4, "facts")]
    found = selection(
        [*items, RoutedItem(number=5, task_type="facts", correct=True, cost_usd=None, route=a_route())]
    )
    rows = [(each.task_type, each.method, each.items, each.right.words, each.cost_usd) for each in found.rows]
    assert rows == [
        ("facts", "Voting", 2, "2 of 2", None),
        ("reasoning", "Voting", 2, "1 of 2", Decimal("0.02")),
        ("reasoning", "Cascade", 1, "not known", Decimal("0.02")),
    ]
    assert found.sentence == (
        "Auto chose 2 methods; by type of task most often Voting for facts (2 of 2),"
        " Voting for reasoning (2 of 3)."
    )


def test_one_method_for_all_is_said_as_such() -> None:
    assert selection([item(1), item(2)]).sentence == "Auto chose Voting for every item."
    assert selection([item(1), item(2, "facts")]).sentence == "Auto chose Voting for all 2 types of task."


def test_first_answers_below_the_threshold_are_followed_and_compared() -> None:
    low = an_attempt(quality=0.2, ok=False, correct=False)
    found = fallbacks([item(1, attempts=[low, ALONE]), item(2, attempts=[low], right=False), item(3)])
    assert found.below == 2
    assert [(each.why, each.then, each.numbers) for each in found.rows] == [
        ("below 40%", "nothing: no method was left", (2,)),
        ("below 40%", "sage alone", (1,)),
    ]
    assert (found.rows[1].first_right.words, found.rows[1].final_right.words) == ("0 of 1", "1 of 1")
    assert found.sentence == (
        "2 of 3 first answers were estimated below 40%; Auto went on to another method for 1."
        " Right: 0 of 2 first answers, 1 of 2 final ones."
    )


def test_other_reasons_to_go_on_have_words_of_their_own() -> None:
    failed = an_attempt(failure="It broke.", quality=None, agreement=None, ok=False)
    split = an_attempt(agreement=0.5, ok=False, shortfall="The agreement is 50%.")
    empty = an_attempt(ok=False, shortfall="It gave no answer.")
    items = [
        item(1, attempts=[failed, ALONE]),
        item(2, attempts=[split, ALONE], needs_consensus=True),
        item(3, attempts=[empty, ALONE], needs_consensus=True),
    ]
    assert [each.why for each in fallbacks(items).rows] == ["failed", "no answer", "no consensus"]


def test_without_a_low_answer_the_lowest_estimate_is_said() -> None:
    assert fallbacks([item(1), item(2, attempts=[ALONE])]).sentence == (
        "No first answer was estimated below 40%; the lowest estimate is 90%."
        " 1 stands by itself, neither judged nor compared: no threshold applies."
    )
    several = fallbacks([item(1, attempts=[ALONE]), item(2, attempts=[ALONE], needed=0.5)])
    assert several.sentence.startswith("No first answer was estimated below the threshold of its request.")
    assert fallbacks([item(1, attempts=[])]).sentence.startswith("Nothing was asked")


def test_critical_requests_have_a_consensus_or_a_reason_why_not() -> None:
    critical: dict[str, Any] = {"priority": "critical", "needs_consensus": True}
    split = an_attempt(agreement=0.5, ok=False, shortfall="The agreement is 50%.")
    failed = an_attempt(failure="It broke.", ok=False)
    found = critical_requests(
        [
            item(1, **critical),
            item(2, **critical, attempts=[split]),
            item(3, **critical, attempts=[failed], answered=None),
            item(4, **critical, attempts=[], reused="an-earlier-run"),
            item(5),
        ]
    )
    assert (found.items, found.agreed) == (4, 2)
    assert [(each.method, each.items, each.agreed, each.least) for each in found.rows] == [
        ("Voting", 2, 1, 0.5),
        ("no method", 1, 0, None),
        ("an earlier answer", 1, 1, None),
    ]
    assert [(each.number, each.why) for each in found.exceptions] == [
        (2, "The agreement is 50%."),
        (3, "No method answered. It broke."),
    ]
    assert found.sentence.startswith("4 critical requests: 2 answered by a consensus")


def test_all_critical_requests_or_none_are_said_as_such() -> None:
    both = [item(number, priority="critical") for number in (1, 2)]
    assert critical_requests(both).sentence.startswith("2 critical requests, all answered by a consensus")
    assert critical_requests(both[:1]).sentence.startswith("1 critical request, answered by a consensus")
    assert critical_requests([item(3)]).sentence.startswith("No request was critical.")


def test_rules_that_acted_come_first_with_an_item_that_they_changed() -> None:
    idle = a_watched_rule(id="a", acts=False)
    items = [
        item(1, watched=[idle, a_watched_rule()]),
        item(2, watched=[{**idle, "runs": 9, "why_not": "most"}, a_watched_rule()], timeout_factor=2.0),
        item(3, watched=[idle]),
    ]
    acted, still = rule_reports(items)
    assert (acted.id, acted.fired, acted.items, acted.changed, acted.number) == ("slow", 2, 2, 1, 2)
    assert (acted.effect, acted.why_not, acted.remedy) == ("time limits × 2", "", "raise timeout")
    assert (still.id, still.fired, still.items, still.number, still.why_not) == ("a", 0, 3, None, "most")
    assert items[0].fired == ("slow",)
    [idle_remedy] = rule_reports([item(1, watched=[a_watched_rule(to="voting")])])
    assert (idle_remedy.number, idle_remedy.effect, idle_remedy.remedy) == (1, "", "raise timeout: voting")


LINK = a_route()["without"]
OTHER = {**LINK, "ref": "model/sage", "title": "sage alone", "models": ["sage"]}


@pytest.mark.parametrize(
    ("remedy", "change", "words"),
    [
        ("reuse answers", {"reused": "run"}, "an earlier answer was used again"),
        ("reuse answers", {}, ""),
        ("raise timeout", {"timeout_factor": 1.5}, "time limits × 1.5"),
        ("raise timeout", {}, ""),
        ("switch method", {"first": OTHER}, "Voting → sage alone"),
        ("switch method", {}, ""),
        ("use other models", {"first": OTHER}, "sim-swift, sim-sage → sage"),
        ("use other models", {}, ""),
        ("reduce parallelism", {"first": {**LINK, "options": {"max_parallel": 1}}}, "max parallel 1"),
        ("reduce parallelism", {}, ""),
    ],
)
def test_what_a_remedy_changed_is_read_off_the_plan(remedy: str, change: dict[str, Json], words: str) -> None:
    assert effect(a_watched_rule(remedy=remedy), a_route(**change)) == words
