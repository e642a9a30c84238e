"""The rules by which ballots become a winner, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from orchestration.strategies.engine.consensus.ballots import Ballot, Poll, RuleName, Voter


class Rule:
    """A ballot rule; this one gives each voter one vote, and the option that most voters choose wins.

    Where a judge chooses the option, its votes only give the agreement of the panel.

    Scores are exact fractions: equal scores tie, whatever the order of addition. `least` and `most` bound the
    final score of an option over everything that outstanding voters may do (vote for it, for another, for a
    new one (None), or abstain); an early stop is decided by them.
    """

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot of the wrong form."""
        if ballot.choice is None:
            raise ValueError(f"The ballot of {ballot.voter} names no choice.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the options that a ballot supports."""
        return ballot.named

    def weight(self, voter: Voter) -> Fraction:  # noqa: ARG002 - other rules weigh
        """Return how much the ballot of `voter` counts."""
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
        coming = (self.weight(voter) for voter in poll.outstanding if voter.may_back(option))
        return sum(coming, Fraction() if option is None else self.scores(poll)[option])

    def total(self, poll: Poll) -> Fraction:
        """Return the weight of all counting ballots."""
        return sum((self.weight(voter) for voter, _ in poll.cast), Fraction())

    def coming(self, poll: Poll) -> Fraction:
        """Return the weight of all outstanding ballots."""
        return sum((self.weight(voter) for voter in poll.outstanding), Fraction())

    def enough(self, score: Fraction, total: Fraction) -> bool:  # noqa: ARG002 - other rules compare
        """Return whether `score`, the highest, wins, given the weight `total` of all counting ballots."""
        return score > 0


class MostLikely(Rule):
    """The option that is most likely right, however many voted for it; agreement is still the share of votes.

    Whether outstanding ballots can change the winner is known to the belief, see `Election.final`.
    """

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return the probability of each option."""
        known = poll.election.likelihoods
        return {option: Fraction(str(known.get(option, 0.0))) for option in poll.options}


class Majority(Rule):
    """The option that more than half of the counting ballots choose; abstentions do not count."""

    def enough(self, score: Fraction, total: Fraction) -> bool:
        """Return whether the score is more than half of the total."""
        return 2 * score > total


class Weighted(Rule):
    """The option with the most weight; a weight is read as the decimal number that is shown."""

    def weight(self, voter: Voter) -> Fraction:
        """Return the voter's weight."""
        return Fraction(str(voter.weight))


class Borda(Rule):
    """The option that is highest in the rankings: 1 for the first, 0 for the last, evenly spaced.

    Options that a ranking leaves out share the rest. The score is the mean over the ballots that could have
    ranked the option, so that neither a barred option nor an abstention changes a score.
    """

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that ranks nothing."""
        if not ballot.ranking or ballot.choice is not None or ballot.approvals:
            raise ValueError(f"The ballot of {ballot.voter} must be a ranking.")

    def backs(self, ballot: Ballot) -> tuple[str, ...]:
        """Return the first option of the ranking."""
        return ballot.ranking[:1]

    def scores(self, poll: Poll) -> Mapping[str, Fraction]:
        """Return each option's mean points, from 0 to 1."""
        return {option: self._mean(poll, option, best=None) for option in poll.options}

    def least(self, poll: Poll, option: str) -> Fraction:
        """Return the score if every outstanding ballot puts the option last."""
        return self._mean(poll, option, best=Fraction())

    def most(self, poll: Poll, option: str | None) -> Fraction:
        """Return the score if every outstanding ballot puts the option first; there are no new options."""
        return self._mean(poll, option, best=Fraction(1)) if option is not None else Fraction()

    def _mean(self, poll: Poll, option: str, *, best: Fraction | None) -> Fraction:
        """Return the mean points of `option`, outstanding ballots giving `best` each unless that is None."""
        able = [(voter, ballot) for voter, ballot in poll.cast if voter.may_back(option)]
        given = [points(voter, ballot, poll.options)[option] for voter, ballot in able]
        if best is not None:
            given += [best for voter in poll.outstanding if voter.may_back(option)]
        return sum(given, Fraction()) / len(given) if given else Fraction()


def points(voter: Voter, ballot: Ballot, options: tuple[str, ...]) -> Mapping[str, Fraction]:
    """Return the points of each option that the voter may rank; a single one gets one half."""
    able = [option for option in options if voter.may_back(option)]
    if len(able) == 1:
        return {able[0]: Fraction(1, 2)}
    steps = len(able) - 1
    given = {option: Fraction(steps - place, steps) for place, option in enumerate(ballot.ranking)}
    left = [option for option in able if option not in given]
    return given | dict.fromkeys(left, Fraction(len(left) - 1, 2 * steps))


class Approval(Rule):
    """The option that most voters approve of; to approve of none is not an abstention."""

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that chooses or ranks."""
        if ballot.choice is not None or ballot.ranking:
            raise ValueError(f"The ballot of {ballot.voter} must say what it approves of.")


class Unanimous(Rule):
    """The option that every counting ballot chooses; an abstention does not prevent it."""

    def enough(self, score: Fraction, total: Fraction) -> bool:
        """Return whether the score is the whole total."""
        return 0 < total == score


RULES: Mapping[RuleName, Rule] = {
    RuleName.BELIEF: MostLikely(),
    RuleName.PLURALITY: Rule(),
    RuleName.MAJORITY: Majority(),
    RuleName.WEIGHTED: Weighted(),
    RuleName.BORDA: Borda(),
    RuleName.APPROVAL: Approval(),
    RuleName.UNANIMOUS: Unanimous(),
    RuleName.JUDGE: Rule(),
}
