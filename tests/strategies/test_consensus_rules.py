"""Ballots become winners, by every rule."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.strategies.engine.consensus.ballots import (
    Ballot,
    Election,
    RuleName,
    Tally,
    TallyVerdict,
    TieRule,
    Voter,
)
from orchestration.strategies.engine.consensus.tallying import RULES, break_tie, tally
from tests.support.elections import CHOOSING, OPTIONS, ballot_for, choices, election_of, polls

Poll = tuple[Election, list[Ballot]]
FIVE = (1, 1, 1, 1, 1)
ALL_BUT_JUDGE = tuple(rule for rule in RuleName if rule is not RuleName.JUDGE)


def ranked(*rankings: str) -> list[Ballot]:
    return [Ballot(voter=f"v{place}", ranking=tuple(order)) for place, order in enumerate(rankings)]


def approved(*sets: str) -> list[Ballot]:
    return [Ballot(voter=f"v{place}", approvals=tuple(some)) for place, some in enumerate(sets)]


def test_every_rule_has_its_entry() -> None:
    assert RULES.keys() == set(RuleName)


@pytest.mark.parametrize(
    ("rule", "said", "winner", "verdict"),
    [
        (RuleName.PLURALITY, ("a", "b", "b", "c"), "b", TallyVerdict.WON),
        (RuleName.PLURALITY, ("b", "a", "a", "b"), "b", TallyVerdict.TIE_BROKEN),
        (RuleName.PLURALITY, (None, None), None, TallyVerdict.NO_QUORUM),
        (RuleName.MAJORITY, ("a", "a", "b", None), "a", TallyVerdict.WON),
        (RuleName.MAJORITY, ("a", "a", "b", "b"), None, TallyVerdict.NOT_ENOUGH),
        (RuleName.UNANIMOUS, ("a", "a", None), "a", TallyVerdict.WON),
        (RuleName.UNANIMOUS, ("a", "a", "b"), None, TallyVerdict.NOT_ENOUGH),
    ],
)
def test_heads_are_counted(
    rule: RuleName, said: tuple[str | None], winner: str, verdict: TallyVerdict
) -> None:
    result = tally(election_of(rule, FIVE), choices(*said))
    assert (result.winner, result.verdict) == (winner, verdict)


def test_weights_add_up_exactly_so_that_what_is_equal_ties() -> None:
    election = election_of(RuleName.WEIGHTED, (0.1, 0.2, 0.3), tie=TieRule.JUDGE)
    result = tally(election, choices("a", "a", "b"))
    assert result.verdict is TallyVerdict.TIED
    assert tally(election_of(RuleName.WEIGHTED, (0.1, 0.2, 0.31)), choices("a", "a", "b")).winner == "b"


def test_votes_without_any_weight_win_nothing() -> None:
    result = tally(election_of(RuleName.WEIGHTED, (0, 0)), choices("a", "a"))
    assert (result.winner, result.verdict) == (None, TallyVerdict.NOT_ENOUGH)
    assert result.reason == "No option is backed by anyone with weight."


def test_rankings_count_places() -> None:
    election = election_of(RuleName.BORDA, (1, 1, 1), options=OPTIONS)
    result = tally(election, ranked("abc", "bca", "bac"))
    assert result.scores == {"a": 0.5, "b": pytest.approx(5 / 6), "c": pytest.approx(1 / 6)}
    assert (result.winner, result.dissenters) == ("b", ("v0",))
    assert result.margin == pytest.approx(1 / 3)


def test_what_a_ranking_leaves_out_shares_the_rest() -> None:
    result = tally(election_of(RuleName.BORDA, (1,), options=OPTIONS), ranked("b"))
    assert result.scores == {"a": 0.25, "b": 1.0, "c": 0.25}


def test_nobody_ranks_their_own_and_nobody_loses_by_it() -> None:
    voters = tuple(Voter(name=f"v{place}", barred=own) for place, own in enumerate(OPTIONS))
    election = Election(rule=RuleName.BORDA, voters=voters, options=OPTIONS)
    result = tally(election, ranked("bc", "ca", "ba"))
    assert result.scores == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert result.agreement == pytest.approx(2 / 3)
    assert result.dissenters == ("v1",)
    with pytest.raises(ValueError, match="their own"):
        tally(election, ranked("ab"))


def test_with_one_other_option_a_ranking_says_nothing() -> None:
    voters = (Voter(name="v0", barred="a"), Voter(name="v1", barred="b"))
    election = Election(rule=RuleName.BORDA, voters=voters, options=("a", "b"))
    assert tally(election, ranked("b", "a")).scores == {"a": 0.5, "b": 0.5}
    assert tally(election, ranked("b")).scores == {"a": 0.0, "b": 0.5}


def test_approving_of_nothing_is_a_ballot() -> None:
    result = tally(election_of(RuleName.APPROVAL, (1, 1, 1), quorum=3), approved("ab", "b", ""))
    assert result.winner == "b"
    assert result.agreement == pytest.approx(2 / 3)
    assert tally(election_of(RuleName.APPROVAL, (1, 1)), approved("", "")).verdict is TallyVerdict.NOT_ENOUGH


def test_the_judge_decides_against_the_panel_if_need_be() -> None:
    election = election_of(RuleName.JUDGE, (1, 1, 1))
    result = tally(election, [*choices("a", "a", "b"), ballot_for("judge", "b")])
    assert (result.winner, result.verdict, result.dissenters) == ("b", TallyVerdict.JUDGED, ("v0", "v1"))
    assert result.margin == pytest.approx(-1 / 3)
    assert tally(election, [*choices("a"), ballot_for("judge", "new")]).agreement == 0
    for silent in ([], [ballot_for("judge", None)]):
        assert tally(election, [*choices("a"), *silent]).verdict is TallyVerdict.NO_JUDGEMENT


def test_the_result_says_how_far_the_panel_agrees() -> None:
    result = tally(election_of(RuleName.PLURALITY, FIVE), choices("a", "a", "b", None, "a"))
    assert result == Tally(
        rule=RuleName.PLURALITY,
        verdict=TallyVerdict.WON,
        reason="“a” is backed by the most voters.",
        scores={"a": 3.0, "b": 1.0},
        winner="a",
        agreement=0.75,
        margin=0.5,
        dissenters=("v2",),
        abstained=("v3",),
    )


def test_a_missed_quorum_says_what_is_missing() -> None:
    result = tally(election_of(RuleName.PLURALITY, FIVE, quorum=3), choices("a", None, "a"))
    assert result.reason == "2 of 5 ballots count; the quorum is 3."


def test_confidence_breaks_a_tie_and_order_breaks_the_rest() -> None:
    election = election_of(RuleName.PLURALITY, (1, 1), tie=TieRule.CONFIDENCE)
    sure = [Ballot(voter="v0", choice="a", confidence=0.4), Ballot(voter="v1", choice="b", confidence=0.9)]
    assert tally(election, sure).winner == "b"
    assert tally(election, choices("a", "b")).winner == "a"


@pytest.mark.parametrize("needs", [TieRule.JUDGE, TieRule.HUMAN])
def test_a_tie_can_wait_for_a_judge_or_a_person(needs: TieRule) -> None:
    election, ballots = election_of(RuleName.PLURALITY, (1, 1), tie=needs), choices("a", "b")
    tied = tally(election, ballots)
    assert (tied.winner, tied.tie) == (None, ("a", "b"))
    assert tied.reason == f"“a” and “b” are tied; a {needs} decides."
    decided = break_tie(tied, election, ballots, choice="b", by="Ada")
    assert (decided.winner, decided.agreement, decided.tie) == ("b", 0.5, ())
    assert decided.reason == "“a” and “b” were tied; Ada chose “b”."
    with pytest.raises(ValueError, match="not one of the tied"):
        break_tie(tied, election, ballots, choice="c", by="Ada")


@given(polls(ALL_BUT_JUDGE, whole=True), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_in_which_ballots_arrive_changes_nothing(poll: Poll, random: st.DataObject) -> None:
    election, ballots = poll
    shuffled = list(ballots)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert tally(election, shuffled) == tally(election, ballots)


@given(polls(CHOOSING, whole=True))
def test_other_names_for_the_options_change_nothing_but_the_names(poll: Poll) -> None:
    election, ballots = poll
    renamed = Election(
        rule=election.rule,
        voters=election.voters,
        options=tuple(option.upper() for option in election.options),
        quorum=election.quorum,
        tie=election.tie,
    )
    said = [ballot_for(each.voter, each.choice and each.choice.upper()) for each in ballots]
    before, after = tally(election, ballots), tally(renamed, said)
    assert after.winner == (before.winner and before.winner.upper())
    assert list(after.scores.values()) == list(before.scores.values())


@given(polls(ALL_BUT_JUDGE, whole=True))
@settings(max_examples=200, deadline=None)
def test_one_more_vote_for_the_winner_never_unseats_it(poll: Poll) -> None:
    election, ballots = poll
    winner = tally(election, ballots).winner
    if winner is None or election.tie is TieRule.CONFIDENCE:
        return
    rest = tuple(option for option in election.options if option != winner)
    more = {
        RuleName.BORDA: Ballot(voter="more", ranking=(winner, *rest)),
        RuleName.APPROVAL: Ballot(voter="more", approvals=(winner,)),
    }.get(election.rule, Ballot(voter="more", choice=winner))
    larger = Election(
        rule=election.rule,
        voters=(*election.voters, Voter(name="more", weight=0.7)),
        options=election.options,
        quorum=election.quorum,
        tie=election.tie,
    )
    assert tally(larger, [*ballots, more]).winner == winner


@pytest.mark.parametrize(
    ("ballots", "words"),
    [
        ([Ballot(voter="stranger", choice="a")], "from nobody"),
        (choices("a") * 2, "second"),
        ([Ballot(voter="v0", choice="z")], "not on the list"),
        ([Ballot(voter="v0", ranking=("a", "a"))], "twice"),
        ([Ballot(voter="v0")], "names no choice"),
    ],
)
def test_a_ballot_that_cannot_be_is_refused(ballots: list[Ballot], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tally(election_of(RuleName.PLURALITY, (1, 1), options=OPTIONS), ballots)


@pytest.mark.parametrize(("rule", "words"), [(RuleName.BORDA, "a ranking"), (RuleName.APPROVAL, "approves")])
def test_a_ballot_of_another_form_is_refused(rule: RuleName, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tally(election_of(rule, (1,), options=OPTIONS), choices("a"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quorum": 3}, "quorum is 3"),
        ({"quorum": 0}, "quorum is 0"),
        ({"options": ("a", "a")}, "twice"),
        ({"judge": "v0"}, "one vote"),
        ({"judge": "j"}, "no other, needs a judge"),
        ({"rule": RuleName.JUDGE}, "needs a judge"),
        ({"rule": RuleName.BORDA}, "list of options"),
    ],
)
def test_an_election_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    terms: dict[str, object] = {
        "rule": RuleName.PLURALITY,
        "voters": (Voter(name="v0"), Voter(name="v1")),
    }
    with pytest.raises(ValueError, match=words):
        Election(**(terms | change))  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        Voter(name="v0", weight=weight)
