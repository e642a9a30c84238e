"""A round of voting and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestration.engine.context import RunContext
from orchestration.engine.events import EventKind, RunEvent
from orchestration.engine.strategies.asking import Trail
from orchestration.engine.strategies.protocol import Panel
from orchestration.engine.strategies.voting.casting import Cast
from orchestration.engine.strategies.voting.counting import Count, count
from orchestration.engine.strategies.voting.options import BallotKind, VotingOptions
from orchestration.engine.strategies.voting.stopping import Stop
from orchestration.engine.strategies.voting.weights import parse_weights
from orchestration.engine.types import Candidate, Decision, Request

CUT_OFF = "Cancelled before the run went on."


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One run's vote: what is asked, of whom, on which terms."""

    request: Request
    options: VotingOptions
    panel: Panel
    trail: Trail

    @property
    def context(self) -> RunContext:
        """The run's."""
        return self.trail.context

    @property
    def names(self) -> tuple[str, ...]:
        """The voters, in panel order."""
        return tuple(model.spec.name for model in self.panel.members)

    def with_ballot(self, kind: BallotKind) -> Vote:
        """Return the vote as it goes on once it is clear what is voted with."""
        return replace(self, options=self.options.with_ballot(kind))

    def count(self, casts: Iterable[Cast]) -> Count:
        """Return the vote as it stands after `casts`."""
        return count(self.options, self.names, casts)

    async def tell(self, cast: Cast) -> None:
        """Tell of a ballot as it is cast."""
        weight = parse_weights(self.options.weights, self.names).get(cast.voter, 1.0)
        data = cast.to_json() | {"ballot": self.options.ballot.value, "weight": weight}
        await self.context.emit(RunEvent(kind=EventKind.BALLOT_CAST, data=data))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballots:
    """What came of a round: all candidates in panel order, the ballots that were cast, its early ends.

    `kind` is what was voted with, `chosen` the decision for it where the answers had to decide that.
    """

    kind: BallotKind
    candidates: tuple[Candidate, ...]
    casts: tuple[Cast, ...]
    stops: tuple[Stop, ...] = ()
    chosen: Decision | None = None

    def answered(self) -> Sequence[Candidate]:
        """Return the candidates that can be chosen."""
        return [candidate for candidate in self.candidates if candidate.state == "answered"]
