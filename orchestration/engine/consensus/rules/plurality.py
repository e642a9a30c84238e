"""The option that most voters choose."""

from __future__ import annotations

from orchestration.engine.consensus.rules.rule import Rule


class Plurality(Rule):
    """One voter, one vote; the most votes win."""
