"""What can be set for the voting strategy."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from orchestration.engine.consensus.ballots import RuleName, TieRule
from orchestration.engine.strategies.options import AnswerOptions, FallbackOptions, ModelName, StrategyOptions


class BallotKind(StrEnum):
    """What the models vote with."""

    AUTO = "auto"
    ANSWERS = "answers"
    REVIEW = "review"


class StopMode(StrEnum):
    """When waves that are left are not started."""

    EXACT = "exact"
    POSTERIOR = "posterior"
    OFF = "off"


NEEDS_A_REVIEW = frozenset({RuleName.BORDA, RuleName.APPROVAL})
"""Rules that count more than one answer on a ballot."""


FEWEST_TO_TELL_APART = 3
"""Answers a review takes: of two, each model could only rank the other's first."""


class VotingChoices(StrategyOptions):
    """What is the voting strategy's own."""

    ballot: BallotKind = Field(
        default=BallotKind.AUTO,
        title="Ballot",
        description="auto: final answers where the question has a short one, otherwise blind review. answers:"
        " each final answer is a vote for itself. review: each model ranks the others' answers without"
        " knowing whose they are; that takes a second call of each model.",
    )
    rule: RuleName = Field(
        default=RuleName.PLURALITY,
        title="Rule",
        description="plurality: most votes. majority: more than half. weighted: most weight. unanimous: all."
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
        " answers.",
    )
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
        description="exact: once no ballot still to come can change the winner. posterior: also once the"
        " leader stays ahead with the probability below (plurality and weighted only). off: never."
        " With the auto ballot no sooner than it is certain that answers are counted.",
    )
    posterior: float = Field(
        default=0.95,
        ge=0.5,
        le=0.999,
        title="Probability",
        description="How likely the leader must be to stay ahead for a stop by posterior.",
    )


class VotingOptions(AnswerOptions, FallbackOptions, VotingChoices):
    """What can be set."""

    def with_ballot(self, kind: BallotKind) -> VotingOptions:
        """Return the options with this ballot."""
        return self.model_copy(update={"ballot": kind})

    def fitted_to_rule(self) -> VotingOptions:
        """Return the options with the ballot as far as the rule decides it: some rules need a review."""
        needed = self.ballot is BallotKind.AUTO and self.rule in NEEDS_A_REVIEW
        return self.with_ballot(BallotKind.REVIEW) if needed else self
