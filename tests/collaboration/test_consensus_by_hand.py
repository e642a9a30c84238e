"""Consensus scores and decisions equal tables that were computed by hand; the arithmetic stands beside them.

    score = weight of support / (weight of support + weight of opposition)

A proposal is agreed on from the threshold on, where both sides together hold half of all weight. A = lead,
who proposes P1 and supports it; B = scout, C = sage, D = judge take stances on it.
"""

from __future__ import annotations

import json

import pytest

from collaboration.engine.state import Missed
from orchestration.llm.engine.types import Json
from tests.support.rooms import JUDGE, LED, SAGE, SCOUT, Room, down, line_up

S, O, A, X = "support", "oppose", "abstain", ""  # noqa: E741  # X gives no answer
NAMES = ("scout", "sage", "judge")


def stance(said: str) -> Json:
    return {"stances": [{"proposal": "P1", "stance": said, "reason": "So."}], "counter": ""}


def debate(
    weights: tuple[float, ...], said: tuple[str, ...], *, threshold: float, rule: Json = None, **more: Json
) -> Room:
    """Return a session up to its first result of a negotiation of one round."""
    people = [
        {**each, "weight": weight} for each, weight in zip((LED, SCOUT, SAGE, JUDGE), weights, strict=True)
    ]
    rules = {"rounds": 1, "threshold": threshold}
    lineup = line_up(*people, negotiation=rules, conflict=rule or {"rule": "consensus"}, **more)
    replies: dict[Json, Json] = {
        (name, "stance"): stance(each) if each else Missed(at=0, action=0, why="failed", words="503.")
        for name, each in zip(NAMES, said, strict=True)
    }
    return Room(lineup, replies).play()


def outcome(room: Room) -> tuple[str, float]:
    found = room.state.negotiation
    assert found is not None
    assert found.outcome is not None
    return found.outcome, round(room.state.consensus or 0.0, 4)


@pytest.mark.parametrize(
    ("weights", "said", "threshold", "expected"),
    [
        # equal weights: A supports with 1 of 4
        ((1, 1, 1, 1), (S, S, S), 0.6, ("consensus", 1.0)),  # 4 / (4 + 0)
        ((1, 1, 1, 1), (S, S, O), 0.75, ("consensus", 0.75)),  # 3 / (3 + 1), exactly the threshold
        ((1, 1, 1, 1), (S, S, O), 0.76, ("deadlock", 0.75)),  # 0.75 < 0.76
        ((1, 1, 1, 1), (S, O, O), 0.5, ("consensus", 0.5)),  # 2 / (2 + 2), a tie at the threshold
        ((1, 1, 1, 1), (S, O, O), 0.51, ("deadlock", 0.5)),
        ((1, 1, 1, 1), (O, O, O), 0.6, ("deadlock", 0.25)),  # 1 / (1 + 3)
        ((1, 1, 1, 1), (S, A, A), 0.6, ("consensus", 1.0)),  # 2 / 2, 2 of 4 took a side: the quorum
        ((1, 1, 1, 1), (A, A, A), 0.6, ("deadlock", 1.0)),  # 1 / 1, but 1 of 4 is no quorum
        ((1, 1, 1, 1), (S, A, O), 0.66, ("consensus", 0.6667)),  # 2 / (2 + 1), 3 of 4 took a side
        ((1, 1, 1, 1), (S, X, O), 0.67, ("deadlock", 0.6667)),  # whoever gives no answer takes no side
        ((1, 1, 1, 1), (X, X, X), 0.6, ("deadlock", 1.0)),  # 1 of 4 is no quorum
        ((1, 1, 1, 1), (X, X, S), 0.6, ("consensus", 1.0)),  # 2 / 2, 2 of 4 is the quorum
        # weights
        ((2, 1, 1, 1), (S, O, O), 0.6, ("consensus", 0.6)),  # (2 + 1) / (3 + 2) = 0.6
        ((1, 3, 1, 1), (O, S, S), 0.6, ("deadlock", 0.5)),  # (1 + 1 + 1) / (3 + 3)
        ((1, 0.5, 0.5, 0.5), (O, O, O), 0.4, ("consensus", 0.4)),  # 1 / (1 + 1.5) = 0.4
        ((1, 0.5, 0.5, 0.5), (A, O, A), 0.6, ("consensus", 0.6667)),  # 1 / 1.5, 1.5 of 2.5 took a side
        ((10, 1, 1, 1), (O, O, O), 0.75, ("consensus", 0.7692)),  # 10 / 13
        ((1, 10, 1, 1), (A, O, O), 0.0, ("deadlock", 0.3333)),  # 1 / 3, but 3 of 13 is no quorum
        ((1, 1, 1, 1), (O, O, O), 0.0, ("consensus", 0.25)),  # a threshold of 0 takes whatever has the quorum
        ((1, 1, 1, 1), (S, S, O), 1.0, ("deadlock", 0.75)),
    ],
)  # fmt: skip
def test_a_round_on_one_proposal(
    weights: tuple[float, ...], said: tuple[str, ...], threshold: float, expected: tuple[str, float]
) -> None:
    assert outcome(debate(weights, said, threshold=threshold)) == expected


def split(weights: tuple[float, ...], votes: Json, rule: Json, *, seed: int = 0, lost: str = "") -> Room:
    """Return a session in which scout proposes P2, nobody agrees, and the rule settles it by `votes`."""
    people = [
        {**each, "weight": weight} for each, weight in zip((LED, SCOUT, SAGE, JUDGE), weights, strict=True)
    ]
    lineup = line_up(
        *people, negotiation={"rounds": 1, "threshold": 1, "proposals": "everyone"}, conflict=rule
    )
    no = {
        "stances": [{"proposal": each, "stance": O, "reason": "No."} for each in ("P1", "P2")],
        "counter": "",
    }
    replies: dict[Json, Json] = {"stance": no, ("scout", "propose"): {"text": "By sea."}}
    replies |= {
        (name, "propose"): Missed(at=0, action=0, why="failed", words="503.") for name in ("sage", "judge")
    }
    replies |= {(name, "vote"): {"option": option, "reason": "So."} for name, option in votes.items()}
    replies |= {(lost, "vote"): down()} if lost else {}
    return Room(lineup, replies, seed=seed).play()


def chosen(room: Room) -> str:
    found = next(each for each in room.state.decisions if each.question == "Which approach is taken?")
    return found.selected


VOTING, HIERARCHY = {"rule": "voting"}, {"rule": "hierarchy"}
ARBITER = {"rule": "arbitration", "arbiter": "judge"}
P1, P2 = "P1", "P2"


@pytest.mark.parametrize(
    ("rule", "weights", "votes", "lost", "expected"),
    [
        # (lead, scout, sage, judge); whoever is lost in the middle of the vote has no weight in it
        (VOTING, (1, 1, 1, 1), {"lead": P1, "scout": P2, "sage": P2, "judge": P2}, "", P2),  # 1 : 3
        (VOTING, (3, 1, 1, 1), {"lead": P1, "scout": P2, "sage": P2, "judge": "abstain"}, "", P1),  # 3 : 2
        (VOTING, (2, 1, 1, 1), {"lead": P1, "scout": P2, "sage": P2, "judge": "abstain"}, "", P1),  # 2 : 2
        (VOTING, (1, 1, 1, 1), dict.fromkeys(("lead", *NAMES), "abstain"), "", P1),  # 0 : 0, the plan
        (VOTING, (1, 1, 2, 1), {"lead": P1, "scout": P2, "sage": P2, "judge": P1}, "sage", P1),  # 2 : 1
        (VOTING, (1, 1, 1, 1), {"lead": P1, "scout": P2, "sage": P1, "judge": P2}, "judge", P1),  # 2 : 1
        (HIERARCHY, (1, 9, 9, 9), {"lead": P2}, "", P2),  # the leader decides, weights count nothing
        (HIERARCHY, (1, 1, 1, 1), {"lead": "abstain"}, "", P1),  # the leader had proposed P1
        (ARBITER, (9, 9, 9, 1), {"judge": P2}, "", P2),  # only the arbiter counts
        (ARBITER, (1, 1, 1, 1), {"judge": "abstain"}, "", P1),  # no choice: the plan stands
        (ARBITER, (1, 1, 1, 1), {"judge": P2}, "judge", P1),  # the arbiter is lost: the plan stands
        ({"rule": "consensus"}, (1, 1, 1, 1), {}, "", P1),  # the last round brings none either
    ],
)  # fmt: skip
def test_a_conflict_is_settled_by_its_rule(
    rule: Json, weights: tuple[float, ...], votes: Json, lost: str, expected: str
) -> None:
    assert chosen(split(weights, votes, rule, lost=lost)) == expected


def test_chance_falls_on_each_proposal_by_the_seed_and_on_the_same_one_again() -> None:
    drawn = [chosen(split((1, 1, 1, 1), {}, {"rule": "random"}, seed=seed)) for seed in range(12)]
    assert set(drawn) == {P1, P2}
    assert drawn == [chosen(split((1, 1, 1, 1), {}, {"rule": "random"}, seed=seed)) for seed in range(12)]


def test_who_is_lost_in_the_middle_of_a_vote_has_no_weight_in_it() -> None:
    room = Room(line_up(negotiation={"rounds": 1, "threshold": 0.6}), {"stance": stance(S)}).play(
        "negotiating"
    )
    room.answer(stance(O), "stance", "scout")
    room.miss("down", "stance", "sage")
    room.answer(stance(S), "stance", "judge")
    # lead and judge support with 2, scout opposes with 1: 2 / 3 of the weight of 3 who are left
    assert outcome(room) == ("consensus", 0.6667)
    assert room.state.negotiation is not None
    assert sum(room.state.negotiation.weights.values()) == 3


@pytest.mark.parametrize(("required", "phase"), [(0.75, "completed"), (0.76, "failed")])
def test_the_consensus_that_a_session_requires_is_reached_at_exactly_its_border(
    required: float, phase: str
) -> None:
    room = debate((1, 1, 1, 1), (S, S, O), threshold=0.5, constraints={"consensus": required})  # 3 / 4
    assert room.state.phase == phase
    assert json.dumps(room.state.consensus) == "0.75"
