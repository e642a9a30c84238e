"""The terms of a vote, its ballots, the poll at one moment and its result, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite


class RuleName(StrEnum):
    """How ballots become a winner."""

    BELIEF = "belief"
    PLURALITY = "plurality"
    MAJORITY = "majority"
    WEIGHTED = "weighted"
    BORDA = "borda"
    APPROVAL = "approval"
    UNANIMOUS = "unanimous"
    JUDGE = "judge"


class TieRule(StrEnum):
    """How a tie is broken. A judge or a person is asked after the count."""

    ORDER = "order"
    CONFIDENCE = "confidence"
    JUDGE = "judge"
    HUMAN = "human"


ASKED_AFTERWARDS = frozenset({TieRule.JUDGE, TieRule.HUMAN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Voter:
    """A voter. `weight` counts under the weighted rule only; `barred` is the option they may not vote for."""

    name: str
    weight: float = 1.0
    barred: str | None = None

    def __post_init__(self) -> None:
        if not isfinite(self.weight) or self.weight < 0:
            raise ValueError(f"The weight of {self.name} is {self.weight}: it must be a number from 0 up.")

    def may_back(self, option: str | None) -> bool:
        """Return whether they may vote for `option`; None is one that no ballot names."""
        return option is None or self.barred != option


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """The ballot of one voter: a choice, a ranking (best first) or the options they approve of.

    `confidence` runs from 0 to 1. An abstention names no option, but may have a reason.
    """

    voter: str
    choice: str | None = None
    ranking: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    confidence: float | None = None
    reason: str = ""
    abstained: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """Every option on the ballot, in its order."""
        single = () if self.choice is None else (self.choice,)
        return single + self.ranking + self.approvals


@dataclass(frozen=True, kw_only=True, slots=True)
class Election:
    """The terms of a vote. `voters` are in panel order; without `options` the ballots name their own.

    `quorum` is the least number of ballots that are no abstentions. `judge` decides under the judge rule, and
    is no voter. `likelihoods` are the probabilities, by option, that the belief rule goes by; they are
    `final` when no ballot to come can make another option the likeliest. Raises `ValueError` for terms that
    contradict each other.
    """

    rule: RuleName
    voters: tuple[Voter, ...]
    options: tuple[str, ...] = ()
    quorum: int = 1
    tie: TieRule = TieRule.ORDER
    judge: str = ""
    likelihoods: Mapping[str, float] = field(default_factory=dict)
    final: bool = False

    def __post_init__(self) -> None:
        names = [voter.name for voter in self.voters]
        if len({*names, self.judge}) != len(names) + 1:
            raise ValueError("Each voter has one vote, and the judge is not one of them.")
        if len(set(self.options)) != len(self.options):
            raise ValueError("An option is on the list twice.")
        if not 1 <= self.quorum <= len(names):
            raise ValueError(f"The quorum is {self.quorum}: with {len(names)} voters it must be 1 to that.")
        if (self.rule is RuleName.JUDGE) != bool(self.judge):
            raise ValueError("The judge rule, and no other, needs a judge.")
        if self.rule is RuleName.BORDA and not self.options:
            raise ValueError("Rankings need a list of options.")


Place = tuple[int, int]
"""Where an option was named first: the voter's place in the panel, the option's place on the ballot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """A vote at one moment. `cast` pairs voters with their ballots, abstentions left out, in panel order."""

    election: Election
    cast: tuple[tuple[Voter, Ballot], ...]
    abstained: tuple[Voter, ...]
    outstanding: tuple[Voter, ...]
    judged: Ballot | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """All options known so far, in the order that breaks ties."""
        if self.election.options:
            return self.election.options
        return tuple(dict.fromkeys(option for _, ballot in self.cast for option in ballot.named))

    def place(self, option: str) -> Place:
        """Return the place that the tie rule `order` compares: the lowest wins."""
        if self.election.options:
            return (0, self.election.options.index(option))
        first = next((voter, ballot) for voter, ballot in self.cast if option in ballot.named)
        return (self.election.voters.index(first[0]), first[1].named.index(option))

    def best_place(self, option: str | None) -> Place:
        """Return the lowest place that `option` (None: any that no ballot names) may still reach.

        On a list of options the place of each is known from the start.
        """
        if self.election.options:
            named = {each for _, ballot in self.cast for each in ballot.named}
            unnamed = [each for each in self.election.options if each not in named]
            return min(map(self.place, unnamed if option is None else [option]))
        able = (voter for voter in self.outstanding if voter.may_back(option))
        coming = [(self.election.voters.index(voter), 0) for voter in able]
        return min(coming + ([self.place(option)] if option in self.options else []))


def build_poll(election: Election, ballots: Iterable[Ballot]) -> Poll:
    """Return the poll of `ballots`. Raises `ValueError` for ballots that the election does not allow."""
    given = list(ballots)
    by_voter = {ballot.voter: ballot for ballot in given}
    known = {voter.name for voter in election.voters} | ({election.judge} if election.judge else set())
    if len(by_voter) != len(given) or not by_voter.keys() <= known:
        raise ValueError("A ballot is from nobody in this election, or a voter's second.")
    here = [(voter, by_voter[voter.name]) for voter in election.voters if voter.name in by_voter]
    cast = tuple((voter, ballot) for voter, ballot in here if not ballot.abstained)
    for voter, ballot in cast:
        _check(election.options, ballot, voter.barred)
    judged = by_voter.get(election.judge) if election.judge else None
    if judged is not None and not judged.abstained:
        _check(election.options, judged, None)
    return Poll(
        election=election,
        cast=cast,
        abstained=tuple(voter for voter, ballot in here if ballot.abstained),
        outstanding=tuple(voter for voter in election.voters if voter.name not in by_voter),
        judged=judged,
    )


def _check(options: Sequence[str], ballot: Ballot, barred: str | None) -> None:
    named = set(ballot.named)
    if len(named) != len(ballot.named):
        raise ValueError(f"The ballot of {ballot.voter} names an option twice.")
    if options and not named <= set(options):
        raise ValueError(f"The ballot of {ballot.voter} names an option that is not on the list.")
    if barred in named:
        raise ValueError(f"The ballot of {ballot.voter} names their own option.")


class TallyVerdict(StrEnum):
    """Why there is a winner or none."""

    WON = "won"
    TIE_BROKEN = "tie broken"
    JUDGED = "judged"
    TIED = "tied"
    NO_QUORUM = "no quorum"
    NOT_ENOUGH = "not enough"
    NO_JUDGEMENT = "no judgement"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """Options of equal score between which `needs` (a judge or a person) has to decide."""

    options: tuple[str, ...]
    needs: TieRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """The result of a vote. `winner` is None where the verdict says why.

    `scores` are in the order that breaks ties. `agreement` is the share of the counting weight behind the
    winner, `margin` its lead over the runner-up (as a share, under Borda in points); both are 0 without one.
    `dissenters` voted, but not for the winner; in a review that can be the winner's own author.
    """

    rule: RuleName
    verdict: TallyVerdict
    reason: str
    scores: Mapping[str, float]
    winner: str | None = None
    tie: Tie | None = None
    agreement: float = 0.0
    margin: float = 0.0
    dissenters: tuple[str, ...] = ()
    abstained: tuple[str, ...] = ()
