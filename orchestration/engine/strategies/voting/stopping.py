"""Why voting ended before everybody had voted, and what that saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum

from orchestration.engine.consensus.tallying import probability_of_staying
from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.savings import Savings
from orchestration.engine.strategies.voting.counting import Count
from orchestration.engine.strategies.voting.options import StopMode, VotingOptions
from orchestration.engine.strategies.wording import counted, dollars
from orchestration.engine.types import Decision, Json


class Reason(StrEnum):
    """What ended the voting."""

    SETTLED = "settled"
    LIKELY = "likely"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """The end of voting as it is journaled.

    `left_out` maps each model that is not asked to why. `saved_usd` estimates what their calls would have
    cost, empty without prices. `limit` names the limit that ended it.
    """

    reason: Reason
    because: str
    left_out: Mapping[str, str]
    saved_calls: int = 0
    saved_usd: str = ""
    limit: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Stop:
        """Return the stop that was journaled."""
        return cls(**{**stored, "reason": Reason(stored["reason"])})

    def to_json(self) -> dict[str, Json]:
        """Return the stop as plain JSON."""
        return asdict(self)

    @property
    def error(self) -> LimitReached | None:
        """The limit that was reached, if it was one."""
        return LimitReached(self.because, limit=self.limit) if self.limit else None

    @property
    def decision(self) -> Decision:
        """The stop as a decision."""
        return Decision(kind="stop", chosen="", reason=self.sentence, options=tuple(self.left_out))

    @property
    def sentence(self) -> str:
        """Why voting ended, and what that saved."""
        if not self.saved_calls:
            return self.because
        saved = f"{counted(self.saved_calls, 'call')} not started"
        if self.saved_usd:
            saved = f"{saved}, an estimated {dollars(Decimal(self.saved_usd))} saved"
        return f"{self.because} {saved}."


@dataclass(frozen=True, slots=True)
class Enough:
    """Why nobody else need vote."""

    reason: Reason
    because: str

    def leaving_out(self, left: Sequence[ChatModel], savings: Savings) -> Stop:
        """Return the end of voting without the models that are `left`."""
        return Stop(
            reason=self.reason,
            because=self.because,
            left_out={model.spec.name: f"Not asked. {self.because}" for model in left},
            saved_calls=len(left),
            saved_usd=savings.of({model.spec.name: model for model in left}),
        )


def reason_to_stop(options: VotingOptions, standing: Count) -> Enough | None:
    """Return why nobody else need vote, None when the others should."""
    if options.stop is StopMode.OFF:
        return None
    if standing.is_settled():
        winner = standing.tally().winner
        result = f"“{winner}” wins" if winner is not None else "there is no winner"
        return Enough(Reason.SETTLED, f"Settled: {result} whatever the others say.")
    if options.stop is StopMode.EXACT:
        return None
    chance = probability_of_staying(standing.election, standing.ballots)
    if chance < options.posterior:
        return None
    ahead = f"“{standing.tally().winner}” stays ahead with a probability of at least {chance:.3f}"
    return Enough(Reason.LIKELY, f"{ahead}; {options.posterior:g} was asked for.")
