"""What settles a negotiation without consensus: five resolutions behind one interface.

A resolution says who is asked to vote, then makes its choice from the votes that came. Without any choice the
negotiation stays a deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from collaboration.engine.answers import ParsedAnswer
from collaboration.engine.lineup import ConflictRule, LineUp, Participant
from collaboration.engine.negotiation import Negotiation
from collaboration.engine.roles import ParticipantRole
from orchestration.llm.engine.types import digest
from orchestration.strategies.engine.consensus.ballots import Ballot, Election, RuleName
from orchestration.strategies.engine.consensus.ballots import Voter as ElectionVoter
from orchestration.strategies.engine.consensus.tallying import tally

RANKS = tuple(ParticipantRole)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """What is to be settled: the proposals, those who may vote in the order of the line-up, their votes."""

    negotiation: Negotiation
    lineup: LineUp
    voters: tuple[Participant, ...] = ()
    seed: int = 0
    votes: Mapping[str, ParsedAnswer] = field(default_factory=dict)

    def choice(self, voter: str) -> str:
        """Return what somebody voted for, "" for nothing."""
        return self.votes.get(voter, ParsedAnswer()).option

    @property
    def by_rank(self) -> list[Participant]:
        """The voters, the highest role first."""
        return sorted(self.voters, key=lambda each: RANKS.index(each.role))


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """A way to settle a dispute: who votes, and the choice ("" for none) with its reason.

    With `another_round` everyone takes a stance once more first.
    """

    settle: Callable[[Dispute], tuple[str, str]]
    electorate: Callable[[Dispute], tuple[str, ...]] = lambda _: ()
    another_round: bool = False


def by_vote(dispute: Dispute) -> tuple[str, str]:
    """Return what has the most weight of votes, the earlier proposal among equals."""
    weights = [ElectionVoter(name=each.id, weight=each.weight) for each in dispute.voters]
    options = dispute.negotiation.options
    election = Election(rule=RuleName.WEIGHTED, voters=tuple(weights), options=options)
    choices = {each.id: dispute.choice(each.id) or None for each in dispute.voters}
    ballots = [Ballot(voter=id, choice=choice, abstained=not choice) for id, choice in choices.items()]
    counted = tally(election, ballots)
    return counted.winner or "", counted.reason


def by_rank(dispute: Dispute) -> tuple[str, str]:
    """Return the choice of the highest role; of one who did not vote what they had proposed, or the next."""
    for each in dispute.by_rank:
        if choice := dispute.choice(each.id):
            return choice, f"{each.title} ({each.role}) decided."
        own = [made.id for made in dispute.negotiation.proposals if made.by == each.id]
        if own:
            return own[0], f"{each.title} ({each.role}) had proposed it."
    return "", "Nobody of any rank has a choice."


def by_another_round(dispute: Dispute) -> tuple[str, str]:
    """Return what is agreed after a last round."""
    chosen = dispute.negotiation.agreed(dispute.lineup.negotiation.threshold)
    return chosen, f"The last round brought {'consensus' if chosen else 'none'}."


def by_arbiter(dispute: Dispute) -> tuple[str, str]:
    """Return what the arbiter, an outsider of the negotiation, chose."""
    chosen = dispute.choice(dispute.lineup.conflict.arbiter or "")
    return chosen, "The arbiter decided." if chosen else "The arbiter made no choice."


def by_chance(dispute: Dispute) -> tuple[str, str]:
    """Return the proposal on which the seed of the run falls: the same again in a replay."""
    options = dispute.negotiation.options
    texts = [each.text for each in dispute.negotiation.proposals]
    drawn = int(digest(dispute.seed, texts), 16) % len(options)
    return options[drawn], f"Drawn from {len(options)} proposals by the seed {dispute.seed}."


RESOLUTIONS: Mapping[ConflictRule, Resolution] = {
    "voting": Resolution(
        settle=by_vote, electorate=lambda dispute: tuple(each.id for each in dispute.voters)
    ),
    "hierarchy": Resolution(
        settle=by_rank, electorate=lambda dispute: tuple(each.id for each in dispute.by_rank[:1])
    ),
    "consensus": Resolution(settle=by_another_round, another_round=True),
    "arbitration": Resolution(
        settle=by_arbiter, electorate=lambda dispute: (dispute.lineup.conflict.arbiter or "",)
    ),
    "random": Resolution(settle=by_chance),
}
