"""The terms of a vote, its ballots and its result, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Voter:
    """A voter. `weight` counts under the weighted rule only; `barred` is the option they may not vote for."""

    name: str
    weight: float = 1.0
    barred: str | None = None

    def __post_init__(self) -> None:
        if not isfinite(self.weight) or self.weight < 0:
            raise ValueError(f"The weight of {self.name} is {self.weight}: it must be a number from 0 up.")


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
class Tally:
    """The result of a vote. `winner` is None where the verdict says why.

    `scores` are in the order that breaks ties. `agreement` is the share of the counting weight behind the
    winner, `margin` its lead over the runner-up (as a share, under Borda in points); both are 0 without one.
    `tie` are the options of equal score between which a judge or a person has to decide.
    `dissenters` voted, but not for the winner; in a review that can be the winner's own author.
    """

    rule: RuleName
    verdict: TallyVerdict
    reason: str
    scores: Mapping[str, float]
    winner: str | None = None
    tie: tuple[str, ...] = ()
    agreement: float = 0.0
    margin: float = 0.0
    dissenters: tuple[str, ...] = ()
    abstained: tuple[str, ...] = ()
