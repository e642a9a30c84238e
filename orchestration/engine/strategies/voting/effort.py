"""How much of its panel a vote asks."""

from __future__ import annotations

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.strategies.effort import Effort
from orchestration.engine.strategies.voting.options import (
    FEWEST_TO_TELL_APART,
    BallotKind,
    StopMode,
    VotingOptions,
)

NEVER_EARLY = frozenset({RuleName.JUDGE, RuleName.APPROVAL})
"""Rules under which hardly a vote is settled before all have voted."""


def effort_of(options: VotingOptions, panel: int) -> Effort:
    """Return how many models answer and review: from a vote that is settled early to one that is not.

    Where the answers decide whether they are reviewed, it is from no review to one of each model.
    """
    options = options.fitted_to_rule()
    size = min(options.waves, panel) or panel
    votes = (_fewest(options, panel, size), panel)
    if options.ballot is BallotKind.REVIEW:
        return Effort(answers=(panel, panel), at_once=panel, reviews=votes, reviews_at_once=size)
    may_review = options.ballot is BallotKind.AUTO and panel >= FEWEST_TO_TELL_APART
    return Effort(answers=votes, at_once=size, reviews=(0, panel if may_review else 0), reviews_at_once=size)


def _fewest(options: VotingOptions, panel: int, size: int) -> int:
    if options.stop is StopMode.OFF or options.rule in NEVER_EARLY:
        return panel
    likely = options.stop is StopMode.POSTERIOR and options.ballot is not BallotKind.AUTO
    waves = -(-max(1 if likely else panel // 2 + 1, options.quorum) // size)
    return min(panel, waves * size)
