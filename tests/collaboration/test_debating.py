"""From the plan to an approach: repaired, debated, timed out, settled by each rule."""

from __future__ import annotations

import pytest

from collaboration.engine.contexts import prompt
from collaboration.engine.debating import MOST_PROPOSALS
from collaboration.engine.session import wake_at
from orchestration.llm.engine.types import Json
from tests.support.rooms import ANA, JUDGE, LED, PLAN, QUIET, SAGE, SCOUT, Room, line_up

CIRCLE = {"subtasks": [{"title": "a", "needs": [2]}, {"title": "b", "needs": [1]}]}


def oppose(action: Json, state: Json) -> Json:
    return {"stances": [{"proposal": each, "stance": "oppose", "reason": "No."} for each in action.choices]}


def debate(replies: Json = None, conflict: Json = None, **rules: Json) -> Room:
    rules = {"rounds": 2, "threshold": 0.8, **rules}
    lineup = line_up(LED, SCOUT, SAGE, JUDGE, negotiation=rules, conflict=conflict or {})
    return Room(lineup, {"stance": oppose, **(replies or {})}, seed=4)


def decision(room: Room, kind: str) -> Json:
    return next(each for each in reversed(room.state.decisions) if each.kind == kind)


def test_a_plan_that_cannot_be_is_asked_for_again_with_the_reason() -> None:
    room = Room()
    (again,) = room.answer(CIRCLE).actions
    assert (again.kind, again.participant) == ("plan", "lead")
    assert "wait for each other: s1 → s2 → s1" in again.problem
    assert '"needs": [2]' in again.previous
    assert room.answer(PLAN).state.phase == "negotiating"


def test_a_second_plan_with_a_circle_is_replaced_by_a_division_of_the_task() -> None:
    room = Room()
    room.answer(CIRCLE)
    room.answer(CIRCLE)
    assert [each.title for each in room.state.plan.subtasks][1] == "Describe the trade of Genoa"
    assert "divided by its own words" in decision(room, "task_division").rationale


def test_a_second_plan_is_read_leniently() -> None:
    odd = {"subtasks": [{"title": "a", "needs": [1, 7]}, {"title": "b", "needs": ["a"]}]}
    room = Room()
    room.answer(odd)
    room.answer(odd)
    assert [each.needs for each in room.state.plan.subtasks] == [(), ("s1",)]


def test_a_person_who_leads_and_says_nothing_leaves_the_task_to_its_own_words() -> None:
    boss = {"id": "boss", "role": "leader", "user": "u-boss"}
    room = Room(line_up(boss, SCOUT, negotiation=QUIET))
    room.miss("expired")
    assert room.state.phase == "executing"


def test_without_rounds_or_with_nobody_to_talk_to_there_is_no_negotiation() -> None:
    assert Room(line_up(LED, SCOUT, negotiation=QUIET)).answer(PLAN).state.phase == "executing"
    two = line_up(LED, SCOUT, conflict={"rule": "arbitration", "arbiter": "scout"})
    assert Room(two).answer(PLAN).state.phase == "executing"


def test_support_is_a_consensus_with_every_vote_on_record() -> None:
    room = Room().play("executing")
    found = decision(room, "approach")
    assert (found.selected, found.rationale) == (
        "P1",
        "Outcome: consensus. The threshold of support is reached.",
    )
    assert [(each.voter, each.said, each.weight) for each in found.votes] == [
        (id, "support", 1.0) for id in ("lead", "scout", "sage", "judge")
    ]


def test_everyone_may_propose_first_and_says_what_they_think_of_the_others() -> None:
    room = debate({"stance": oppose}, proposals="everyone")
    room.answer(PLAN)
    assert [each.participant for each in room.pending("propose")] == ["scout", "sage", "judge"]
    room.answer({"text": "By sea."}, "propose", "scout")
    room.miss(kind="propose", by="sage")
    room.answer({"text": "By sea."}, "propose", "judge")
    room.miss(kind="propose", by="judge")
    assert {each.participant: each.choices for each in room.pending("stance")} == {
        "lead": ("P2",), "scout": ("P1",), "sage": ("P1", "P2"), "judge": ("P1", "P2"),
    }  # fmt: skip


def by_sea() -> Room:
    """Return a session in which a counter-proposal has won, and the leader is asked for a plan by it."""
    room = debate(threshold=0.6)
    room.answer(PLAN)
    counter = [{"proposal": "P1", "stance": "counter", "reason": "No."}]
    room.answer({"stances": counter, "counter": "By sea."}, "stance", "scout")
    for by in ("sage", "judge"):
        room.answer({"stances": []}, "stance", by)
    while room.pending("stance"):
        action = room.pending("stance")[0]
        said = [{"proposal": id, "stance": "support" if id == "P2" else "oppose"} for id in action.choices]
        room.answer({"stances": said}, "stance", action.participant)
    return room


def test_a_counter_proposal_that_wins_is_planned_by_the_leader() -> None:
    room = by_sea()
    assert (room.state.approach, decision(room, "approach").selected) == ("By sea.", "P2")
    text = prompt(room.state, room.pending("plan")[0]).messages[1].content
    assert "The approach that was agreed on:\n<data>\nBy sea." in text
    room.answer({"subtasks": [{"title": "Sail"}]})
    assert (room.state.phase, room.statuses()) == ("executing", {"s1": "working"})


def test_a_revised_plan_that_does_not_come_leaves_the_first() -> None:
    room = by_sea()
    room.miss(kind="plan")
    assert (room.state.phase, len(room.state.plan.subtasks)) == ("executing", 3)


def test_nothing_new_is_a_deadlock_and_all_vote() -> None:
    room = debate({"vote": {"option": "P1", "reason": "So be it."}}).play("executing")
    found = decision(room, "conflict")
    assert found.rationale.startswith("Outcome: resolved. “P1” is backed by the most weight")
    assert [each.option for each in found.votes if each.said == "vote"] == ["P1"] * 4
    assert room.state.consensus == 0.25


@pytest.mark.parametrize(
    ("conflict", "replies", "words"),
    [
        ({"rule": "hierarchy"}, {"vote": {"option": "P1"}}, "resolved. lead (leader) decided."),
        ({"rule": "hierarchy"}, {"vote": "?"}, "resolved. lead (leader) had proposed it."),
        ({"rule": "random"}, {}, "resolved. Drawn from 1 proposals by the seed 4."),
        (
            {"rule": "arbitration", "arbiter": "judge"},
            {"vote": {"option": "P1"}},
            "resolved. The arbiter decided.",
        ),
        (
            {"rule": "arbitration", "arbiter": "judge"},
            {"vote": {"option": "abstain"}},
            "deadlock. The arbiter made no",
        ),
        ({"rule": "consensus"}, {}, "deadlock. The last round brought none. The first plan stands."),
        (
            {"rule": "voting"},
            {"vote": "I cannot say."},
            "deadlock. 0 of 4 ballots count; the quorum is 1. The first",
        ),
    ],
)
def test_each_rule_settles_a_deadlock(conflict: Json, replies: Json, words: str) -> None:
    room = debate(replies, conflict).play("executing")
    assert words in decision(room, "conflict").rationale
    assert room.play().state.phase == "completed"


def test_the_arbiter_takes_no_part_before() -> None:
    room = debate(conflict={"rule": "arbitration", "arbiter": "judge"})
    room.answer(PLAN)
    assert {each.participant for each in room.pending("stance")} == {"scout", "sage"}


def test_an_arbiter_who_is_lost_leaves_the_plan_as_it_is() -> None:
    lineup = line_up(
        LED, SCOUT, SAGE, ANA, negotiation={"rounds": 1}, conflict={"rule": "arbitration", "arbiter": "ana"}
    )
    room = Room(lineup, {"stance": oppose})
    room.answer(PLAN)
    room.act("u-ana", "leave")
    assert "The arbiter made no choice" in decision(room.play("executing"), "conflict").rationale


def test_another_round_can_bring_consensus() -> None:
    said = ["oppose", "oppose", "support"]

    def think_again(action: Json, state: Json) -> Json:
        kind = said[min(state.counts.rounds, 3) - 1]
        return {"stances": [{"proposal": each, "stance": kind} for each in action.choices]}

    room = debate({"stance": think_again}, {"rule": "consensus"}).play("executing")
    assert "resolved. The last round brought consensus." in decision(room, "conflict").rationale
    assert room.state.counts.rounds == 3


def test_time_ends_the_rounds_and_late_answers_do_not_count() -> None:
    room = debate({"vote": {"option": "P1"}}, seconds=100)
    room.answer(PLAN)
    asked = {each.number for each in room.pending("stance")}
    assert wake_at(room.state) == 101
    step = room.wait(100)
    assert (set(step.withdrawn), {each.kind for each in step.actions}) == (asked, {"vote"})
    assert "The negotiation ends in a timeout" in room.said("status_update")[-1]
    assert wake_at(room.state) is None
    assert "resolved" in decision(room.play("executing"), "conflict").rationale


def test_time_that_ends_without_the_required_consensus_fails_in_words() -> None:
    rules = {"negotiation": {"seconds": 9}, "constraints": {"consensus": 0.9}, "conflict": {"rule": "random"}}
    room = Room(line_up(LED, SCOUT, SAGE, **rules))
    room.answer(PLAN)
    room.answer({"stances": [{"proposal": "P1", "stance": "oppose"}]}, "stance")
    room.wait(9)
    assert room.state.ending
    assert room.state.ending.caveat == "no_consensus"


def test_in_a_pause_no_time_passes() -> None:
    lineup = line_up(LED, SCOUT, ANA, negotiation={"seconds": 100})
    room = Room(lineup)
    room.answer(PLAN)
    room.act("u-ana", "pause")
    assert room.wait(900).state.negotiation.outcome is None  # type: ignore[union-attr]


def test_required_consensus_that_is_not_reached_fails_in_words() -> None:
    lineup = line_up(LED, SCOUT, SAGE, constraints={"consensus": 0.5})
    room = Room(lineup, {"stance": oppose}).play()
    assert room.state.phase == "failed"
    assert room.state.ending
    assert room.state.ending.words == "P1 has 33% of the support, 50% is required."


def test_an_answer_without_any_stance_is_an_abstention() -> None:
    room = debate()
    room.answer(PLAN)
    room.answer("Hm, hard to say.", "stance", "scout")
    assert "takes no clear stance" in room.said("response")[-1]


def test_there_are_only_so_many_proposals() -> None:
    room = Room(line_up(LED, SCOUT, SAGE, ANA))
    room.answer(PLAN)
    for number in range(MOST_PROPOSALS):
        room.act("u-ana", "propose", text=f"Approach {number}.")
    assert f"There are {MOST_PROPOSALS} proposals" in room.said("error")[-1]
    assert len(room.state.negotiation.proposals) == MOST_PROPOSALS  # type: ignore[union-attr]
