"""How much of its panel a vote asks."""

from __future__ import annotations

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.strategies.effort import Effort
from orchestration.engine.strategies.voting.options import BallotKind, StopMode, VotingOptions

NEVER_EARLY = frozenset({RuleName.JUDGE, RuleName.APPROVAL})
"""Rules under which hardly a vote is settled before all have voted."""


def effort_of(options: VotingOptions, panel: int) -> Effort:
    """Return how many models answer and review: from a vote that is settled early to one that is not."""
    size = min(options.waves, panel) or panel
    votes = (_fewest(options, panel, size), panel)
    if options.ballot is BallotKind.ANSWERS:
        return Effort(answers=votes, at_once=size)
    return Effort(answers=(panel, panel), at_once=panel, reviews=votes, reviews_at_once=size)


def _fewest(options: VotingOptions, panel: int, size: int) -> int:
    if options.stop is StopMode.OFF or options.rule in NEVER_EARLY:
        return panel
    enough = 1 if options.stop is StopMode.POSTERIOR else panel // 2 + 1
    waves = -(-max(enough, options.quorum) // size)
    return min(panel, waves * size)
