"""Who votes, by what rule, and what each of them said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite


class RuleName(StrEnum):
    """How ballots become a winner."""

    PLURALITY = "plurality"
    MAJORITY = "majority"
    WEIGHTED = "weighted"
    BORDA = "borda"
    APPROVAL = "approval"
    UNANIMOUS = "unanimous"
    JUDGE = "judge"


class TieRule(StrEnum):
    """What decides between options of equal score; a judge or a person is asked afterwards."""

    ORDER = "order"
    CONFIDENCE = "confidence"
    JUDGE = "judge"
    HUMAN = "human"


ASKED_AFTERWARDS = frozenset({TieRule.JUDGE, TieRule.HUMAN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Voter:
    """One who may vote. `weight` counts under the weighted rule only; `barred` is an option of their own."""

    name: str
    weight: float = 1.0
    barred: str | None = None

    def __post_init__(self) -> None:
        if not isfinite(self.weight) or self.weight < 0:
            raise ValueError(f"The weight of {self.name} is {self.weight}: it must be a number from 0 up.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """What one voter said: a choice, a ranking (best first) or the options they approve of.

    `confidence` runs from 0 to 1. Who abstained says nothing, but may give a reason.
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
        """Every option that stands on the ballot, in its order."""
        single = () if self.choice is None else (self.choice,)
        return single + self.ranking + self.approvals


@dataclass(frozen=True, kw_only=True, slots=True)
class Election:
    """The terms of a vote. `voters` stand in panel order; without `options` the ballots name their own.

    `quorum` is how many must not abstain. `judge` is who decides under the judge rule, and is no voter.
    """

    rule: RuleName
    voters: tuple[Voter, ...]
    options: tuple[str, ...] = ()
    quorum: int = 1
    tie: TieRule = TieRule.ORDER
    judge: str = ""

    def __post_init__(self) -> None:
        names = [voter.name for voter in self.voters]
        if len({*names, self.judge}) != len(names) + 1:
            raise ValueError("Each voter has one vote, and the judge is not one of them.")
        if len(set(self.options)) != len(self.options):
            raise ValueError("An option stands twice on the list.")
        if not 1 <= self.quorum <= len(names):
            raise ValueError(f"The quorum is {self.quorum}: with {len(names)} voters it must be 1 to that.")
        if (self.rule is RuleName.JUDGE) != bool(self.judge):
            raise ValueError("The judge rule, and no other, needs a judge.")
        if self.rule is RuleName.BORDA and not self.options:
            raise ValueError("Rankings need a list of options.")
