"""The calls that a line-up allows: the fewest and the most, by participant and purpose."""

from __future__ import annotations

import pytest

from collaboration.engine.estimating import expected_calls
from orchestration.llm.engine.types import Json, Purpose
from tests.support.rooms import ANA, JUDGE, LED, OLE, QUIET, SAGE, SCOUT, line_up

LIMITS = {"subtasks": 4, "returns": 1}
LEADS = [("lead", Purpose.PLAN, 1, 1), ("lead", Purpose.AGGREGATE, 1, 2)]
WORKS = [("scout", Purpose.ANSWER, 1, 4), ("sage", Purpose.ANSWER, 0, 4), ("judge", Purpose.REVIEW, 1, 10)]


def calls(*participants: Json, **rules: Json) -> list[tuple[str, Purpose, int, int]]:
    found = expected_calls(line_up(*(participants or (LED, SCOUT, SAGE, JUDGE)), limits=LIMITS, **rules))
    return [(each.id, purpose, few, most) for each, purpose, few, most in found]


def debate(**rules: Json) -> list[tuple[str, Purpose, int, int]]:
    return [each for each in calls(**rules) if each not in LEADS + WORKS]


def test_without_a_debate_the_plan_is_worked_on_and_reviewed() -> None:
    assert calls(negotiation=QUIET) == LEADS + WORKS


@pytest.mark.parametrize(("rule", "more"), [("voting", 1), ("consensus", 1), ("hierarchy", 0), ("random", 0)])
def test_stances_are_asked_for_in_each_round_and_to_settle_a_deadlock(rule: str, more: int) -> None:
    found = debate(negotiation={"rounds": 2}, conflict={"rule": rule})
    assert found == [("lead", Purpose.VOTE, 0, 2 + more)] + [
        (name, Purpose.VOTE, 1, 2 + more) for name in ("scout", "sage", "judge")
    ]


def test_everyone_may_propose_and_the_arbiter_only_decides() -> None:
    rules = {"negotiation": {"rounds": 1, "proposals": "everyone"}}
    found = debate(**rules, conflict={"rule": "arbitration", "arbiter": "judge"})
    proposals = [(name, Purpose.PROPOSE, 1, 1) for name in ("scout", "sage")]
    assert [each for each in found if each[1] is Purpose.PROPOSE] == proposals
    assert ("judge", Purpose.VOTE, 0, 1) in found
    assert ("lead", Purpose.VOTE, 1, 1) in found


def test_people_and_observers_make_no_calls_and_a_leader_reviews_where_nobody_else_does() -> None:
    found = calls(LED, SCOUT, {**ANA, "role": "executor"}, OLE, negotiation={"rounds": 1})
    assert {each for each, *_ in found} == {"lead", "scout"}
    assert ("lead", Purpose.REVIEW, 1, 10) in found
    assert ("scout", Purpose.ANSWER, 1, 4) in found
