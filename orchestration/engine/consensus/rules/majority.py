"""The option that more than half of the counting ballots choose."""

from __future__ import annotations

from fractions import Fraction

from orchestration.engine.consensus.rules.rule import Rule


class Majority(Rule):
    """One voter, one vote; abstentions lower what half is."""

    def enough(self, score: Fraction, total: Fraction) -> bool:
        """More than half."""
        return 2 * score > total
