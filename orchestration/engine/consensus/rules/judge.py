"""The option that a judge chooses, having seen what the panel says."""

from __future__ import annotations

from orchestration.engine.consensus.rules.rule import Rule


class Judge(Rule):
    """The panel's votes are counted, and tell how far it agrees; the judge's ballot decides."""
