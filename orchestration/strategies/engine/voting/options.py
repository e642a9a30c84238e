"""Options of a vote, their check against the panel, and their effort."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from pydantic import Field

from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Purpose
from orchestration.strategies.engine.belief.model import FEWEST_GRADED
from orchestration.strategies.engine.consensus.ballots import RuleName, TieRule
from orchestration.strategies.engine.effort import Effort, Help
from orchestration.strategies.engine.fallback import FallbackOptions
from orchestration.strategies.engine.options import AnswerOptions, ModelName, RubricName, StrategyOptions
from orchestration.strategies.engine.types import counted, listed

NEEDS_A_REVIEW = frozenset({RuleName.BORDA, RuleName.APPROVAL})
"""Rules that count more than one answer on a ballot."""
FEWEST_TO_TELL_APART = 3
"""Answers that a review needs: of two, each model could only rank the other's first."""
FEWEST_REVIEWERS = 2
NEVER_EARLY = frozenset({RuleName.JUDGE, RuleName.APPROVAL})
"""Rules under which a vote is rarely settled before all have voted."""


class BallotKind(StrEnum):
    """What a vote counts: final answers or reviews; auto lets the answers decide."""

    AUTO = "auto"
    ANSWERS = "answers"
    REVIEW = "review"


class StopMode(StrEnum):
    """When waves that are left are not started."""

    EXACT = "exact"
    POSTERIOR = "posterior"
    OFF = "off"


class VotingChoices(StrategyOptions):
    """Options of the voting strategy alone."""

    ballot: BallotKind = Field(
        default=BallotKind.AUTO,
        title="Ballot",
        description="auto: final answers where the question has a short one, otherwise blind review. answers:"
        " each final answer is a vote for itself. review: each model ranks the others' answers without"
        " knowing whose they are; that takes a second call of each model.",
    )
    rule: RuleName = Field(
        default=RuleName.BELIEF,
        title="Rule",
        description="belief: the answer that is most likely right, by the records of those who gave it, their"
        " number, how far all agree, and what a program or sum in the question comes to, recomputed;"
        f" reviews, and else models with fewer than {FEWEST_GRADED} graded answers each, are counted by"
        " plurality. plurality: most votes. majority: more than half. weighted: most weight. unanimous: all."
        " judge: a judge decides. By review (auto then chooses it) also borda: best mean rank, and approval:"
        " most approve of it.",
    )
    quorum: int = Field(
        default=1,
        ge=1,
        le=50,
        title="Quorum",
        description="Ballots that must count. A model that fails or cannot be read abstains; below the quorum"
        " the run fails.",
    )
    tie: TieRule = Field(
        default=TieRule.ORDER,
        title="Ties",
        description="order: the first on the panel wins. confidence: the answer whose voters are surer of it"
        " (answers: by the built-in checks; review: as they say). judge: the judge decides. human: a person"
        " decides; the run waits.",
    )
    judge: ModelName | None = Field(
        default=None,
        title="Judge",
        description="Model outside the panel that decides: always under the judge rule, else between tied"
        " answers. It scores one of each without knowing whose they are, in both orders.",
    )
    rubric: RubricName = None
    weights: str = Field(
        default="",
        max_length=4000,
        title="Weights",
        description="For the weighted rule, as in gpt-4o=2, haiku=0.5. A model that is not named weighs 1.",
    )
    waves: int = Field(
        default=0,
        ge=0,
        le=50,
        title="Wave",
        description="Models that vote at the same time; the next wave follows when all have. 0: all at once.",
    )
    stop: StopMode = Field(
        default=StopMode.EXACT,
        title="Stop between waves",
        description="exact: once no ballot still to come can change the winner. posterior:"
        " also once the leader is believed to be right with the probability below, or no further answer is"
        " worth its call (answers by belief, plurality and weighted only). off: never. With the auto ballot"
        " no sooner than it is certain that answers are counted.",
    )
    posterior: float = Field(
        default=0.97,
        ge=0.5,
        le=0.999,
        title="Probability",
        description="How likely the leader must be right for a stop by posterior.",
    )


class VotingOptions(AnswerOptions, FallbackOptions, VotingChoices):
    """Options of a vote."""

    main = ("ballot", "rule")

    def with_ballot(self, kind: BallotKind) -> VotingOptions:
        """Return the options with this ballot; what is believed of answers does not count reviews."""
        chosen = self.model_copy(update={"ballot": kind})
        return chosen.by_most_votes() if kind is BallotKind.REVIEW else chosen

    def by_most_votes(self) -> VotingOptions:
        """Return the options with plurality in place of belief."""
        return self.model_copy(update={"rule": RuleName.PLURALITY}) if self.rule is RuleName.BELIEF else self

    def with_ballot_by_rule(self) -> VotingOptions:
        """Return the options with the ballot as far as the rule decides it: some rules need a review."""
        needed = self.ballot is BallotKind.AUTO and self.rule in NEEDS_A_REVIEW
        return self.with_ballot(BallotKind.REVIEW if needed else self.ballot)


def faults(options: VotingOptions, panel: Sequence[str]) -> Iterator[InvalidRequest]:
    """Yield what is wrong with the options for a panel of these names, each at its field."""
    if options.quorum > len(panel):
        too_high = f"{options.quorum} ballots cannot count: the panel has {counted(len(panel), 'model')}."
        yield _fault("quorum", f"{too_high} Lower the quorum or add models.")
    is_alone, needs_review = len(panel) < FEWEST_REVIEWERS, options.rule in NEEDS_A_REVIEW
    if options.ballot is BallotKind.REVIEW and is_alone:
        yield _fault("ballot", "A review needs at least two models: each ranks the answers of the others.")
    if options.ballot is BallotKind.ANSWERS and needs_review:
        needs = f"The {options.rule} rule needs ballots that say more than one answer: choose ballot review."
        yield _fault("rule", needs)
    if options.ballot is BallotKind.AUTO and needs_review and is_alone:
        alone = f"The {options.rule} rule needs at least two models: each reviews the answers of the others."
        yield _fault("rule", alone)
    yield from _judge_faults(options, panel)
    if options.weights.strip():
        yield from _weight_faults(options, panel)


def _judge_faults(options: VotingOptions, panel: Sequence[str]) -> Iterator[InvalidRequest]:
    needed = options.rule is RuleName.JUDGE or options.tie is TieRule.JUDGE
    if options.judge is None:
        if needed:
            yield _fault("judge", "A judge decides here: name one that is not on the panel.")
    elif options.judge in panel:
        own = f"{options.judge} is on the panel and would judge its own answer."
        yield _fault("judge", f"{own} Name a judge that is not, or take it off the panel.")
    elif not needed:
        idle = "No judge would be asked: choose the rule judge or let ties be decided by one, or name none."
        yield _fault("judge", idle)


def _weight_faults(options: VotingOptions, panel: Sequence[str]) -> Iterator[InvalidRequest]:
    if options.rule is not RuleName.WEIGHTED:
        yield _fault("weights", f"The {options.rule} rule uses no weights: choose weighted, or give none.")
    try:
        parse_weights(options.weights, panel)
    except ValueError as fault:
        yield _fault("weights", str(fault))


def _fault(field: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, field=f"options.{field}")


def parse_weights(text: str, panel: Sequence[str]) -> Mapping[str, float]:
    """Return a weight for each model of the panel, 1 where none is given. Raises `ValueError`, in words."""
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        name, weight = _read(part)
        if name not in panel:
            raise ValueError(f"There is no {name} on the panel: it has {listed(panel)}.")
        if name in given:
            raise ValueError(f"{name} has two weights. Keep one.")
        given[name] = weight
    weights = {name: given.get(name, 1.0) for name in panel}
    if not any(weights.values()):
        raise ValueError("No model has a weight above 0: no option could win.")
    return weights


def _read(part: str) -> tuple[str, float]:
    name, equals, number = (piece.strip() for piece in part.rpartition("="))
    if not (equals and name):
        raise ValueError(f"“{part[:60]}” is not a weight. Write model=number, as in gpt-4o=2.")
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise ValueError(f"The weight of {name[:60]} is “{number[:20]}”: it must be a number from 0 up.")
    return name, weight


def voting_effort(options: VotingOptions, panel: int) -> Effort:
    """Return how many models answer and review: from a vote that is settled early to one that is not.

    Where the answers decide whether they are reviewed, it is from no review to one of each model.
    """
    options = options.with_ballot_by_rule()
    size = min(options.waves, panel) or max(1, panel)
    votes = (_fewest(options, panel, size), panel)
    in_each_order = Help(model=options.judge or "", purpose=Purpose.JUDGE, calls=(0, 2), answers=panel)
    helping = () if options.judge is None else (in_each_order,)
    if options.ballot is BallotKind.REVIEW:
        return Effort(
            answers=(panel, panel), at_once=panel, reviews=votes, reviews_at_once=size, helping=helping
        )
    may_review = options.ballot is BallotKind.AUTO and panel >= FEWEST_TO_TELL_APART
    reviews = (0, panel if may_review else 0)
    return Effort(answers=votes, at_once=size, reviews=reviews, reviews_at_once=size, helping=helping)


def _fewest(options: VotingOptions, panel: int, size: int) -> int:
    if options.stop is StopMode.OFF or options.rule in NEVER_EARLY:
        return panel
    weighs = options.rule is RuleName.BELIEF or options.stop is StopMode.POSTERIOR
    likely = weighs and options.ballot is not BallotKind.AUTO
    settled = 1 if options.stop is StopMode.POSTERIOR else 2  # one answer alone is never final
    waves = -(-max(settled if likely else panel // 2 + 1, options.quorum) // size)
    return min(panel, waves * size)
