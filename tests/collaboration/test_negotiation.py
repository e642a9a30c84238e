"""Consensus and what settles a conflict, against tables that were computed by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collaboration.engine.answers import ParsedAnswer
from collaboration.engine.conflicts import RESOLUTIONS, Dispute
from collaboration.engine.lineup import ConflictRule, NegotiationRules
from collaboration.engine.negotiation import Negotiation, Stance
from orchestration.llm.engine.types import Json
from tests.support.rooms import JUDGE, LED, SAGE, SCOUT, line_up

RULES = NegotiationRules(rounds=3, threshold=0.6)
SIDES: dict[str, Any] = {"+": "support", "-": "oppose", "0": "abstain"}


def table(*rows: str, weights: Json = None) -> Negotiation:
    """Return a negotiation: a row has what each of a, b, c, … thinks of a proposal, " " for nothing."""
    voters = "abcde"[: len(rows[0])]
    found = Negotiation(weights=weights or dict.fromkeys(voters, 1.0), stage="debating", round=1)
    for number, row in enumerate(rows, start=1):
        found = found.with_proposal("outside", f"Approach {number}.", is_plan=number == 1)
        for voter, sign in zip(voters, row, strict=True):
            if sign in SIDES:
                found = found.with_stance(Stance(voter=voter, proposal=f"P{number}", kind=SIDES[sign]))
    return found


@pytest.mark.parametrize(
    ("negotiation", "score", "agreed"),
    [
        (table("+++"), 1.0, "P1"),
        (table("++-"), 2 / 3, "P1"),
        (table("+--"), 1 / 3, ""),
        (table("+00"), 1.0, ""),
        (table("++00"), 1.0, "P1"),
        (table("   "), 0.0, ""),
        (table("+-+-+"), 0.6, "P1"),
        (table("+--", weights={"a": 4.0, "b": 1.0, "c": 1.0}), 2 / 3, "P1"),
        (table("++-", "+++"), 2 / 3, "P2"),
        (table("++", "++"), 1.0, "P1"),
        (table("+0 ", "++0"), 1.0, "P2"),
        (table("++-", weights={"a": 0.5, "b": 0.5, "c": 2.0}), 1 / 3, ""),
    ],
)
def test_consensus_is_what_was_computed_by_hand(negotiation: Negotiation, score: float, agreed: str) -> None:
    assert negotiation.score("P1") == pytest.approx(score)
    assert negotiation.agreed(0.6) == agreed


def test_who_proposes_supports_it_and_the_last_stance_counts() -> None:
    found = Negotiation(weights={"a": 1.0, "b": 1.0}).with_proposal("a", "By sea.")
    assert found.score("P1") == 1.0
    changed = found.with_stance(Stance(voter="a", proposal="P1", kind="oppose"))
    assert changed.score("P1") == 0.0
    assert len(changed.stances) == 1


def test_stances_of_who_has_no_weight_do_not_count() -> None:
    found = table("++").with_stance(Stance(voter="ghost", proposal="P1", kind="oppose"))
    assert found.score("P1") == 1.0


def test_a_proposal_is_found_in_any_spelling() -> None:
    assert table("+").proposal(" p1 ") == table("+").proposals[0]
    assert table("+").proposal("P2") is None


def test_a_round_ends_in_consensus() -> None:
    found = table("++-").after_round(RULES)
    assert (found.stage, found.outcome, found.chosen) == ("over", "consensus", "P1")
    assert not found.is_open


def test_a_round_without_consensus_is_followed_by_another_until_the_last() -> None:
    rounds = [table("+--")]
    for sign in ("0--", "-0-", "--0"):
        rounds.append(rounds[-1].after_round(RULES))
        voter = "abc"[len(rounds) - 2]
        changed = Stance(voter=voter, proposal="P1", kind=SIDES[sign[len(rounds) - 2]])
        rounds[-1] = rounds[-1].with_stance(changed)
    assert [(each.round, each.outcome) for each in rounds] == [
        (1, None),
        (2, None),
        (3, None),
        (3, "deadlock"),
    ]


def test_nothing_new_in_a_round_is_a_deadlock_at_once() -> None:
    second = table("+--").after_round(RULES)
    assert (second.stage, second.round) == ("debating", 2)
    assert second.after_round(RULES).outcome == "deadlock"


@settings(max_examples=50)
@given(st.lists(st.text("+-0 ", min_size=4, max_size=4), min_size=1, max_size=4), st.floats(0.01, 1))
def test_what_is_agreed_has_the_support_and_nobody_is_counted_twice(
    rows: list[str], threshold: float
) -> None:
    found = table(*rows)
    sides = {id: row.count("+") + row.count("-") for row, id in zip(rows, found.options, strict=True)}
    scores = {id: row.count("+") / (sides[id] or 1) for row, id in zip(rows, found.options, strict=True)}
    assert {id: found.score(id) for id in found.options} == scores
    with_quorum = [scores[id] for id in found.options if sides[id] >= 2 and scores[id] >= threshold]
    agreed = found.agreed(threshold)
    assert (scores[agreed] if agreed else None) == max(with_quorum, default=None)


LINEUP = line_up(
    {**LED, "weight": 2.0}, SCOUT, SAGE, JUDGE, conflict={"rule": "arbitration", "arbiter": "judge"}
)
DISPUTE = Dispute(
    negotiation=Negotiation(weights={"lead": 2.0, "scout": 1.0, "sage": 1.0})
    .with_proposal("scout", "By land.")
    .with_proposal("sage", "By sea."),
    lineup=LINEUP,
    voters=LINEUP.participants[:3],
    seed=7,
)


def settle(rule: ConflictRule, **votes: str) -> tuple[str, str]:
    cast = {voter: ParsedAnswer(option=option) for voter, option in votes.items()}
    return RESOLUTIONS[rule].settle(replace(DISPUTE, votes=cast))


@pytest.mark.parametrize(
    ("votes", "chosen"),
    [
        ({"lead": "P1", "scout": "P2", "sage": "P1"}, "P1"),
        ({"lead": "P2", "scout": "P1"}, "P2"),
        ({"lead": "P2", "scout": "P1", "sage": "P1"}, "P1"),
        ({"lead": "", "scout": "P2"}, "P2"),
        ({}, ""),
    ],
)
def test_voting_counts_weights_and_the_earlier_proposal_wins_a_tie(
    votes: dict[str, str], chosen: str
) -> None:
    assert RESOLUTIONS["voting"].electorate(DISPUTE) == ("lead", "scout", "sage")
    assert settle("voting", **votes)[0] == chosen


def test_the_highest_decides_then_what_they_proposed_then_the_next() -> None:
    assert RESOLUTIONS["hierarchy"].electorate(DISPUTE) == ("lead",)
    assert settle("hierarchy", lead="P2") == ("P2", "lead (leader) decided.")
    assert settle("hierarchy", lead="") == ("P2", "sage (specialist) had proposed it.")
    nobody = replace(DISPUTE, voters=DISPUTE.voters[:1])
    assert RESOLUTIONS["hierarchy"].settle(nobody)[0] == ""


def test_another_round_settles_only_by_consensus() -> None:
    assert RESOLUTIONS["consensus"].another_round
    assert settle("consensus") == ("", "The last round brought none.")
    agreed = DISPUTE.negotiation.with_stance(Stance(voter="lead", proposal="P2", kind="support"))
    found = RESOLUTIONS["consensus"].settle(replace(DISPUTE, negotiation=agreed))
    assert found == ("P2", "The last round brought consensus.")


def test_the_arbiter_alone_decides_or_nobody() -> None:
    assert RESOLUTIONS["arbitration"].electorate(DISPUTE) == ("judge",)
    assert settle("arbitration", judge="P2", lead="P1") == ("P2", "The arbiter decided.")
    assert settle("arbitration", lead="P1") == ("", "The arbiter made no choice.")


def test_chance_is_the_same_for_a_seed_and_falls_on_each_proposal() -> None:
    drawn = [RESOLUTIONS["random"].settle(replace(DISPUTE, seed=seed))[0] for seed in range(40)]
    assert drawn == [RESOLUTIONS["random"].settle(replace(DISPUTE, seed=seed))[0] for seed in range(40)]
    assert set(drawn) == {"P1", "P2"}
    assert RESOLUTIONS["random"].electorate(DISPUTE) == ()
