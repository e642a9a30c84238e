"""What every ballot rule says: the scores, how far they can still move, and when a score is enough."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from orchestration.engine.consensus.ballots import Ballot, Voter
from orchestration.engine.consensus.poll import Poll


class Rule:
    """Count one voter, one vote. Scores are exact, so that what is equal ties, in whatever order it is added.

    `least` and `most` bound the final score of an option over everything that outstanding voters may do:
    vote for it, for another, for a new one (None), or abstain. They are what an early stop rests on.
    """

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot of the wrong form."""
        if ballot.choice is None:
            raise ValueError(f"The ballot of {ballot.voter} names no choice.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the options that a ballot stands behind."""
        return ballot.named

    def weight(self, voter: Voter) -> Fraction:  # noqa: ARG002 - other rules weigh
        """Return how much the voice of `voter` counts."""
        return Fraction(1)

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return the score of each option, in the order that breaks ties."""
        points = dict.fromkeys(poll.options, Fraction())
        for voter, ballot in poll.cast:
            for option in self.backs(ballot):
                points[option] += self.weight(voter)
        return points

    def least(self, poll: Poll, option: str) -> Fraction:
        """Return the lowest score `option` can end with."""
        return self.scores(poll)[option]

    def most(self, poll: Poll, option: str | None) -> Fraction:
        """Return the highest score `option` can end with."""
        coming = (self.weight(voter) for voter in poll.outstanding if not bars(voter, option))
        return sum(coming, Fraction() if option is None else self.scores(poll)[option])

    def total(self, poll: Poll) -> Fraction:
        """Return the weight of all counting ballots."""
        return sum((self.weight(voter) for voter, _ in poll.cast), Fraction())

    def coming(self, poll: Poll) -> Fraction:
        """Return the weight of all outstanding ballots."""
        return sum((self.weight(voter) for voter in poll.outstanding), Fraction())

    def enough(self, score: Fraction, total: Fraction) -> bool:  # noqa: ARG002 - other rules compare
        """Tell whether the highest score wins, out of a counting weight of `total`."""
        return score > 0


def bars(voter: Voter, option: str | None) -> bool:
    """Tell whether `voter` may not vote for `option`."""
    return option is not None and voter.barred == option
