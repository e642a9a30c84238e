"""The option that every counting ballot chooses."""

from __future__ import annotations

from fractions import Fraction

from orchestration.engine.consensus.rules.rule import Rule


class Unanimous(Rule):
    """One ballot for another option is a veto; an abstention is none."""

    def enough(self, score: Fraction, total: Fraction) -> bool:
        """All of them."""
        return 0 < total == score
