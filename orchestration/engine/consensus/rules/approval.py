"""The option that most voters approve of."""

from __future__ import annotations

from orchestration.engine.consensus.ballots import Ballot
from orchestration.engine.consensus.rules.rule import Rule


class Approval(Rule):
    """A ballot may approve of any number of options, also of none: that is not an abstention."""

    def check(self, ballot: Ballot) -> None:
        """Raise `ValueError` for a ballot that chooses or ranks."""
        if ballot.choice is not None or ballot.ranking:
            raise ValueError(f"The ballot of {ballot.voter} must say what it approves of.")
