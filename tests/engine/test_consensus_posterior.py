"""How likely the leader of a vote stays ahead."""

from __future__ import annotations

from itertools import product
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.consensus.ballots import Ballot, Election, RuleName, TieRule
from orchestration.engine.consensus.posterior import probability_of_staying
from orchestration.engine.consensus.settling import settled
from orchestration.engine.consensus.tallying import tally
from tests.support.elections import OPTIONS, ballot_for, choices, election_of, polls

FIVE = (1, 1, 1, 1, 1)


def by_enumeration(election: Election, ballots: list[Ballot], concentration: float) -> float:
    """Draw every sequence of votes from the urn, all unnamed options taken for one."""
    winner, missing = tally(election, ballots).winner, election.voters[len(ballots) :]
    stays = 0.0
    for coming in product((*dict.fromkeys(each.choice for each in ballots), "new"), repeat=len(missing)):
        urn: dict[str | None, float] = {"new": concentration}
        for each in ballots:
            urn[each.choice] = urn.get(each.choice, 0.0) + 1
        chance = 1.0
        for option in coming:
            chance *= urn[option] / sum(urn.values())
            urn[option] += 1
        said = [ballot_for(voter.name, option) for voter, option in zip(missing, coming, strict=True)]
        stays += chance * (tally(election, [*ballots, *said]).winner == winner)
    return stays


@pytest.mark.parametrize("rule", [RuleName.PLURALITY, RuleName.WEIGHTED])
@pytest.mark.parametrize("said", [("a",), ("a", "a"), ("a", "a", "b"), ("b", "a", "a"), ("a", "b", "c")])
@pytest.mark.parametrize("concentration", [0.5, 1.0, 3.0])
def test_it_is_never_more_than_what_enumeration_finds(
    rule: RuleName, said: tuple[str], concentration: float
) -> None:
    election, ballots = election_of(rule, (1, 0.8, 1, 0.5, 1)), choices(*said)
    bound = probability_of_staying(election, ballots, concentration=concentration)
    exact = by_enumeration(election, ballots, concentration)
    assert bound <= exact + 1e-9
    assert exact - bound < 0.45


def test_with_one_rival_at_most_it_is_what_enumeration_finds() -> None:
    election, ballots = election_of(RuleName.PLURALITY, FIVE), choices("a", "a")
    assert isclose(probability_of_staying(election, ballots), by_enumeration(election, ballots, 1.0))
    closed = election_of(RuleName.PLURALITY, FIVE, options=("a", "b"))
    assert probability_of_staying(closed, choices("a", "a", "b")) == pytest.approx(5 / 6)


def test_a_settled_vote_is_certain_and_an_undecided_one_is_not() -> None:
    election = election_of(RuleName.PLURALITY, FIVE)
    assert probability_of_staying(election, choices("a", "a", "a")) == 1
    assert probability_of_staying(election, []) == 0
    assert probability_of_staying(election_of(RuleName.MAJORITY, FIVE), choices("a", "a")) == 0
    tied = election_of(RuleName.PLURALITY, FIVE, tie=TieRule.HUMAN)
    assert probability_of_staying(tied, choices("a", "b")) == 0


def test_where_order_does_not_break_ties_drawing_level_is_enough_to_lose() -> None:
    four = (1, 1, 1, 1)
    by_order = probability_of_staying(election_of(RuleName.PLURALITY, four), choices("a"))
    by_person = probability_of_staying(election_of(RuleName.PLURALITY, four, tie=TieRule.HUMAN), choices("a"))
    assert by_person < by_order


@given(polls((RuleName.PLURALITY, RuleName.WEIGHTED)), st.floats(0.1, 5))
@settings(max_examples=100, deadline=None)
def test_it_is_a_probability_and_certain_only_where_nothing_can_change(
    poll: tuple[Election, list[Ballot]], concentration: float
) -> None:
    chance = probability_of_staying(*poll, concentration=concentration)
    assert 0 <= chance <= 1
    assert chance == 1 or not settled(*poll)


def test_options_that_nobody_named_yet_count_as_one() -> None:
    closed = election_of(RuleName.PLURALITY, FIVE, options=OPTIONS)
    open_list = election_of(RuleName.PLURALITY, FIVE)
    some = choices("a", "a")
    assert probability_of_staying(closed, some) == probability_of_staying(open_list, some)
