"""The option that stands highest in the rankings."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from orchestration.engine.consensus.ballots import Ballot, Voter
from orchestration.engine.consensus.poll import Poll
from orchestration.engine.consensus.rules.rule import Rule, bars

EVEN = Fraction(1, 2)


class Borda(Rule):
    """A ranking gives 1 to its first and 0 to its last, evenly spaced; what it leaves out shares the rest.

    The score is the mean over the ballots that could have ranked the option, so that nobody gains or loses
    by being barred from ranking their own, nor by an abstention.
    """

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that ranks nothing."""
        if not ballot.ranking or ballot.choice is not None or ballot.approvals:
            raise ValueError(f"The ballot of {ballot.voter} must be a ranking.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the first of the ranking."""
        return ballot.ranking[:1]

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return each option's mean points, from 0 to 1."""
        return {option: self._mean(poll, option, best=None) for option in poll.options}

    def least(self, poll: Poll, option: str) -> Fraction:
        """Every outstanding ballot may put it last."""
        return self._mean(poll, option, best=Fraction())

    def most(self, poll: Poll, option: str | None) -> Fraction:
        """Every outstanding ballot may put it first; new options there are none."""
        return self._mean(poll, option, best=Fraction(1)) if option is not None else Fraction()

    def _mean(self, poll: Poll, option: str, *, best: Fraction | None) -> Fraction:
        """Return the mean points of `option`, outstanding ballots giving `best` each unless that is None."""
        given = [
            points(voter, ballot, poll.options)[option]
            for voter, ballot in poll.cast
            if not bars(voter, option)
        ]
        if best is not None:
            given += [best for voter in poll.outstanding if not bars(voter, option)]
        return sum(given, Fraction()) / len(given) if given else Fraction()


def points(voter: Voter, ballot: Ballot, options: tuple[str, ...]) -> Mapping[str, Fraction]:
    """Return what a ranking gives to each option that its voter may rank; a sole one is even."""
    able = [option for option in options if not bars(voter, option)]
    if len(able) == 1:
        return {able[0]: EVEN}
    steps = len(able) - 1
    given = {option: Fraction(steps - place, steps) for place, option in enumerate(ballot.ranking)}
    left = [option for option in able if option not in given]
    shared = Fraction(len(left) - 1, 2 * steps)
    return given | dict.fromkeys(left, shared)
