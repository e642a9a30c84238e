"""The option behind which the most weight stands."""

from __future__ import annotations

from fractions import Fraction

from orchestration.engine.consensus.ballots import Voter
from orchestration.engine.consensus.rules.rule import Rule


class Weighted(Rule):
    """A vote counts as much as its voter weighs, read as the decimal number that is shown."""

    def weight(self, voter: Voter) -> Fraction:
        """Return the voter's weight."""
        return Fraction(str(voter.weight))
