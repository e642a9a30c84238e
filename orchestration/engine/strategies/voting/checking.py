"""Options of a vote held against its panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestration.engine.consensus.ballots import RuleName, TieRule
from orchestration.engine.strategies.options import OptionError
from orchestration.engine.strategies.voting.options import NEEDS_A_REVIEW, BallotKind, VotingOptions
from orchestration.engine.strategies.voting.weights import parse_weights
from orchestration.engine.strategies.wording import counted

FEWEST_REVIEWERS = 2


def faults(options: VotingOptions, panel: Sequence[str]) -> Iterator[OptionError]:
    """Yield what is wrong with the options for this panel, each at its field."""
    if options.quorum > len(panel):
        too_high = (
            f"{options.quorum} ballots cannot count: the panel has {counted(len(panel), 'model')}."
            " Lower the quorum or add models."
        )
        yield _fault("quorum", too_high)
    if options.ballot is BallotKind.REVIEW and len(panel) < FEWEST_REVIEWERS:
        yield _fault("ballot", "A review needs at least two models: each ranks the answers of the others.")
    yield from _about_the_rule(options, panel)
    yield from _about_the_judge(options, panel)
    yield from _about_weights(options, panel)


def _about_the_rule(options: VotingOptions, panel: Sequence[str]) -> Iterator[OptionError]:
    if options.rule not in NEEDS_A_REVIEW:
        return
    if options.ballot is BallotKind.ANSWERS:
        needs = f"The {options.rule} rule needs ballots that say more than one answer: choose ballot review."
        yield _fault("rule", needs)
    elif options.ballot is BallotKind.AUTO and len(panel) < FEWEST_REVIEWERS:
        alone = f"The {options.rule} rule needs at least two models: each reviews the answers of the others."
        yield _fault("rule", alone)


def _about_the_judge(options: VotingOptions, panel: Sequence[str]) -> Iterator[OptionError]:
    needed = options.rule is RuleName.JUDGE or options.tie is TieRule.JUDGE
    if options.judge is None:
        if needed:
            yield _fault("judge", "A judge is to decide: name one that is not on the panel.")
    elif options.judge in panel:
        own = (
            f"{options.judge} is on the panel and would judge its own answer. Name a judge that is not, or"
            " take it off the panel."
        )
        yield _fault("judge", own)
    elif not needed:
        idle = "No judge would be asked: choose the rule judge or let ties be decided by one, or name none."
        yield _fault("judge", idle)


def _about_weights(options: VotingOptions, panel: Sequence[str]) -> Iterator[OptionError]:
    if not options.weights.strip():
        return
    if options.rule is not RuleName.WEIGHTED:
        yield _fault("weights", f"The {options.rule} rule uses no weights: choose weighted, or give none.")
    try:
        parse_weights(options.weights, panel)
    except ValueError as fault:
        yield _fault("weights", str(fault))


def _fault(field: str, message: str) -> OptionError:
    return OptionError(field=f"options.{field}", message=message)
