"""Agreeing on an approach: proposals, stances in rounds, and when there is consensus or none.

    score of a proposal = weight of those who support it / weight of those who support or oppose it

It is a consensus where the score reaches the threshold and those who took a side hold at least `QUORUM` of
the weight of all voters, so that one supporter among many abstentions is none. Who proposes supports it.
The last stance of a participant on a proposal counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from collaboration.engine.answers import StanceKind
from collaboration.engine.lineup import NegotiationRules

QUORUM = 0.5
NegotiationOutcome = Literal["consensus", "deadlock", "timeout", "resolved"]
"""`resolved` is a deadlock or timeout that the conflict rule settled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An approach that somebody suggests; the leader's plan is one."""

    id: str
    by: str
    text: str
    is_plan: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stance:
    """What one participant thinks of one proposal, in the round in which they said so."""

    voter: str
    proposal: str
    kind: StanceKind
    reason: str = ""
    round: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Negotiation:
    """A negotiation at one moment. `weights` has its voters; `seen` the stances when the last round ended."""

    weights: Mapping[str, float] = field(default_factory=dict)
    opened_at: float = 0.0
    stage: Literal["proposing", "debating", "settling", "over"] = "proposing"
    round: int = 0
    proposals: tuple[Proposal, ...] = ()
    stances: Mapping[tuple[str, str], Stance] = field(default_factory=dict)
    seen: Mapping[tuple[str, str], StanceKind] = field(default_factory=dict)
    outcome: NegotiationOutcome | None = None
    chosen: str = ""

    @property
    def is_open(self) -> bool:
        """Whether proposals and stances still count."""
        return self.stage in {"proposing", "debating"}

    @property
    def options(self) -> tuple[str, ...]:
        """The ids of the proposals."""
        return tuple(each.id for each in self.proposals)

    def proposal(self, id: str) -> Proposal | None:
        """Return a proposal by its id, in any spelling."""
        return next((each for each in self.proposals if each.id.casefold() == id.strip().casefold()), None)

    def with_proposal(self, by: str, text: str, *, is_plan: bool = False) -> Negotiation:
        """Return the negotiation with one more proposal, which its author supports."""
        made = Proposal(id=f"P{len(self.proposals) + 1}", by=by, text=text, is_plan=is_plan)
        own = Stance(voter=by, proposal=made.id, kind="support", reason="Its author.")
        return replace(self, proposals=(*self.proposals, made)).with_stance(own)

    def with_stance(self, stance: Stance) -> Negotiation:
        """Return the negotiation with a stance, which replaces an earlier one of the same voter."""
        stances = {**self.stances, (stance.voter, stance.proposal): replace(stance, round=self.round)}
        return replace(self, stances=stances)

    def weight(self, proposal: str, *kinds: StanceKind) -> float:
        """Return the weight of the voters who have one of these stances on a proposal."""
        on_it = (each for each in self.stances.values() if each.proposal == proposal and each.kind in kinds)
        return sum(self.weights.get(each.voter, 0.0) for each in on_it)

    def score(self, proposal: str) -> float:
        """Return the share of support of a proposal among those who took a side."""
        sides = self.weight(proposal, "support", "oppose")
        return self.weight(proposal, "support") / sides if sides else 0.0

    def agreed(self, threshold: float) -> str:
        """Return the proposal on which there is consensus, the best supported of several; "" for none."""
        quorum = QUORUM * sum(self.weights.values())
        enough = [
            id
            for id in self.options
            if self.score(id) >= threshold and self.weight(id, "support", "oppose") >= quorum > 0
        ]
        return max(enough, key=lambda id: (self.score(id), self.weight(id, "support")), default="")

    def after_round(self, rules: NegotiationRules) -> Negotiation:
        """Return the negotiation after a round in which everyone could speak: it ends, or goes on.

        It ends by consensus, or in a deadlock after the last round, or where nothing has changed since the
        round before.
        """
        kinds = {key: stance.kind for key, stance in self.stances.items()}
        if chosen := self.agreed(rules.threshold):
            return replace(self, stage="over", outcome="consensus", chosen=chosen)
        if self.round >= rules.rounds or kinds == self.seen:
            return replace(self, stage="settling", outcome="deadlock")
        return replace(self, stage="debating", round=self.round + 1, seen=kinds)
