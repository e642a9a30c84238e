"""Small elections and everything that can still happen in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, permutations, product

from hypothesis import strategies as st

from orchestration.strategies.engine.consensus.ballots import Ballot, Election, RuleName, TieRule, Voter

OPTIONS = ("a", "b", "c")
NEW = "z"
CHOOSING = (RuleName.PLURALITY, RuleName.MAJORITY, RuleName.WEIGHTED, RuleName.UNANIMOUS)


def election_of(
    rule: RuleName,
    weights: Sequence[float] = (1, 1, 1),
    *,
    options: tuple[str, ...] = (),
    quorum: int = 1,
    tie: TieRule = TieRule.ORDER,
) -> Election:
    voters = tuple(Voter(name=f"v{place}", weight=weight) for place, weight in enumerate(weights))
    judge = "judge" if rule is RuleName.JUDGE else ""
    return Election(rule=rule, voters=voters, options=options, quorum=quorum, tie=tie, judge=judge)


def choices(*said: str | None) -> list[Ballot]:
    """Return the ballots of v0, v1, ...: None abstains."""
    return [ballot_for(f"v{place}", option) for place, option in enumerate(said)]


def ballot_for(voter: str, option: str | None) -> Ballot:
    return Ballot(voter=voter, choice=option, abstained=option is None)


def possible_ballots(election: Election, voter: str) -> list[Ballot]:
    """Return every ballot that `voter` may cast: any option but their own, a new one if the list is open."""
    barred = {each.name: each.barred for each in election.voters}
    open_list = (*OPTIONS, NEW, f"{NEW}{voter}")
    options = tuple(each for each in election.options or open_list if each != barred[voter])
    if election.rule is RuleName.BORDA:
        said = [Ballot(voter=voter, ranking=order) for order in permutations(options) if order]
    elif election.rule is RuleName.APPROVAL:
        sets = chain.from_iterable(permutations(options, size) for size in range(min(3, len(options)) + 1))
        said = [Ballot(voter=voter, approvals=some) for some in sets]
    else:
        said = [Ballot(voter=voter, choice=option) for option in options]
    return [*said, Ballot(voter=voter, abstained=True)]


def completions(election: Election, ballots: Sequence[Ballot]) -> Iterator[list[Ballot]]:
    """Yield every way in which the vote can end."""
    here = {ballot.voter for ballot in ballots}
    missing = [voter.name for voter in election.voters if voter.name not in here]
    for coming in product(*(possible_ballots(election, voter) for voter in missing)):
        yield [*ballots, *coming]


@st.composite
def elections(draw: st.DrawFn, rules: Sequence[RuleName] = CHOOSING, most: int = 4) -> Election:
    weights = draw(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.5]), min_size=1, max_size=most))
    rule = draw(st.sampled_from(rules))
    closed = rule is RuleName.BORDA or draw(st.booleans())
    return election_of(
        rule,
        weights,
        options=OPTIONS if closed else (),
        quorum=draw(st.integers(1, len(weights))),
        tie=draw(st.sampled_from(TieRule)),
    )


@st.composite
def polls(
    draw: st.DrawFn, rules: Sequence[RuleName] = CHOOSING, most: int = 4, *, whole: bool = False
) -> tuple[Election, list[Ballot]]:
    """Draw an election and the ballots of some (or all) of its voters."""
    election = draw(elections(rules, most))
    names = [voter.name for voter in election.voters]
    here = names if whole else draw(st.lists(st.sampled_from(names), unique=True))
    return election, [draw(st.sampled_from(possible_ballots(election, name))) for name in here]
