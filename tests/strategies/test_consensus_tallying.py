"""Whether outstanding ballots can still change a result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings

from orchestration.strategies.engine.consensus.ballots import Ballot, Election, RuleName, TieRule, Voter
from orchestration.strategies.engine.consensus.tallying import settled, tally
from tests.support.elections import (
    CHOOSING,
    OPTIONS,
    ballot_for,
    choices,
    completions,
    election_of,
    polls,
    possible_ballots,
)

Poll = tuple[Election, list[Ballot]]
FIVE = (1, 1, 1, 1, 1)


def endings(election: Election, ballots: Sequence[Ballot]) -> set[str | None]:
    return {tally(election, whole).winner for whole in completions(election, ballots)}


@pytest.mark.parametrize("rule", CHOOSING)
@pytest.mark.parametrize("options", [(), OPTIONS])
@pytest.mark.parametrize("quorum", [1, 3, 4])
def test_of_four_voters_it_is_known_exactly_when_nothing_can_change(
    rule: RuleName, options: tuple[str, ...], quorum: int
) -> None:
    election = election_of(rule, (2, 1, 1, 0.5), options=options, quorum=quorum)
    for said in product((*OPTIONS, None), repeat=2):
        for here in ((0, 1), (2, 3), (0, 3), (1, 2)):
            ballots = [ballot_for(f"v{voter}", option) for voter, option in zip(here, said, strict=True)]
            assert settled(election, ballots) == (len(endings(election, ballots)) == 1), (here, said)


@pytest.mark.parametrize("rule", [*CHOOSING, RuleName.BORDA, RuleName.APPROVAL])
@pytest.mark.parametrize("options", [OPTIONS[:1], OPTIONS[:2], OPTIONS])
@pytest.mark.parametrize("quorum", [1, 2])
def test_where_nobody_may_vote_for_their_own_it_is_known_exactly_too(
    rule: RuleName, options: tuple[str, ...], quorum: int
) -> None:
    owners = dict(enumerate(options))
    voters = tuple(Voter(name=f"v{place}", barred=owners.get(place)) for place in range(3))
    election = Election(rule=rule, voters=voters, options=options, quorum=quorum)
    for voter in ("v0", "v1", "v2"):
        for ballot in possible_ballots(election, voter):
            assert settled(election, [ballot]) == (len(endings(election, [ballot])) == 1), ballot


@given(polls())
@settings(max_examples=150, deadline=None)
def test_what_is_settled_ends_the_same_way_whatever_comes(poll: Poll) -> None:
    if settled(*poll):
        assert endings(*poll) == {tally(*poll).winner}


@given(polls((RuleName.BORDA, RuleName.APPROVAL), most=3))
@settings(max_examples=60, deadline=None)
def test_rankings_and_approvals_settle_no_sooner_than_they_may(poll: Poll) -> None:
    if settled(*poll):
        assert endings(*poll) == {tally(*poll).winner}


@given(polls((RuleName.BORDA, RuleName.APPROVAL, RuleName.PLURALITY), most=3))
@settings(max_examples=60, deadline=None)
def test_with_ties_in_order_and_closed_options_it_settles_as_soon_as_it_may(poll: Poll) -> None:
    election, ballots = poll
    if election.options and election.tie is TieRule.ORDER and len(endings(election, ballots)) == 1:
        assert settled(election, ballots)


@given(polls(whole=True))
def test_when_all_have_voted_it_is_settled(poll: Poll) -> None:
    assert settled(*poll)


@pytest.mark.parametrize(
    ("rule", "said", "known"),
    [
        (RuleName.PLURALITY, ("a", "a", "a"), True),
        (RuleName.PLURALITY, ("a", "a"), False),
        (RuleName.PLURALITY, ("a", "b", "a", "a"), True),
        (RuleName.PLURALITY, ("a", "a", "b"), False),
        (RuleName.PLURALITY, ("a", "a", None), True),
        (RuleName.PLURALITY, ("a", "b", "a", "b", None), True),
        (RuleName.MAJORITY, ("a", "a", "b"), False),
        (RuleName.MAJORITY, ("a", "a", "a"), True),
        (RuleName.UNANIMOUS, ("a", "a", "a", "a"), False),
        (RuleName.UNANIMOUS, ("a", "b"), True),
        (RuleName.UNANIMOUS, ("a", None), False),
    ],
)
def test_five_voters_one_after_the_other(
    rule: RuleName, said: tuple[str | None, ...], *, known: bool
) -> None:
    assert settled(election_of(rule, (1, 1, 1, 1, 1)), choices(*said)) is known


@pytest.mark.parametrize("tie", [TieRule.CONFIDENCE, TieRule.JUDGE, TieRule.HUMAN])
def test_where_a_tie_is_not_broken_by_order_it_may_not_be_reached(tie: TieRule) -> None:
    assert not settled(election_of(RuleName.PLURALITY, (1, 1, 1, 1), tie=tie), choices("a", "a"))
    assert settled(election_of(RuleName.PLURALITY, (1, 1, 1, 1)), choices("a", "a"))


def test_a_quorum_out_of_reach_is_settled_and_one_not_yet_met_is_not() -> None:
    election = election_of(RuleName.PLURALITY, (1, 1, 1), quorum=3)
    assert settled(election, choices(None))
    assert not settled(election, choices("a", "a"))


def test_under_a_judge_all_waits_for_the_judge() -> None:
    election = election_of(RuleName.JUDGE, (1, 1), quorum=1)
    assert not settled(election, choices("a", "a"))
    assert not settled(election, [ballot_for("judge", "b")])
    assert settled(election, [*choices("a"), ballot_for("judge", "b")])
    assert settled(election, [ballot_for("judge", None)])


def test_a_ranking_settles_once_the_last_ballot_cannot_lift_a_rival_above() -> None:
    first, second = (Ballot(voter=name, ranking=("a", "b", "c")) for name in ("v0", "v1"))
    election = election_of(RuleName.BORDA, options=OPTIONS)
    assert settled(election, [first, second])
    assert not settled(election, [first])


def test_an_option_on_the_list_that_nobody_named_wins_a_tie_by_its_place() -> None:
    closed = election_of(RuleName.PLURALITY, (1, 1, 1, 1), options=OPTIONS)
    assert tally(closed, choices("c", "c", "a", "a")).winner == "a"
    assert not settled(closed, choices("c", "c"))
