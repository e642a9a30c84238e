"""Why asking ended before everybody had answered, and what that saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum

from orchestration.engine.errors import LimitReached
from orchestration.engine.model import ChatModel
from orchestration.engine.strategies.wording import counted, dollars
from orchestration.engine.types import Candidate, Decision, Json


class Reason(StrEnum):
    """What ended the asking."""

    GOOD_ENOUGH = "good_enough"
    DEADLINE = "deadline"
    LIMIT = "limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """The end of asking as it is journaled.

    `left_out` maps the step of each model that is not asked (any more) to why; `unscored` answers came too
    late to be scored. `chosen` is the step that was good enough. `saved_usd` estimates what the calls that
    were not finished would have cost, empty without prices. `limit` names the limit that ended it.
    """

    reason: Reason
    because: str
    left_out: Mapping[str, str]
    unscored: Sequence[str] = ()
    chosen: str = ""
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

    def candidate(self, model: ChatModel, step: str) -> Candidate:
        """Return the candidate of a model that was left out."""
        why = self.left_out[step]
        if self.reason is Reason.GOOD_ENOUGH:
            return Candidate(model=model.spec.name, step=step, state="cancelled", error=why)
        return Candidate(model=model.spec.name, step=step, state="missing", error=why)

    def decision(self, names: Mapping[str, str]) -> Decision:
        """Return the stop as a decision; `names` maps steps to models."""
        left = tuple(names[step] for step in self.left_out)
        return Decision(kind="stop", chosen=names.get(self.chosen, ""), reason=self.sentence, options=left)

    @property
    def sentence(self) -> str:
        """Why asking ended, and what that saved."""
        if not self.saved_calls:
            return self.because
        saved = f"{counted(self.saved_calls, 'call')} not finished"
        if self.saved_usd:
            saved = f"{saved}, an estimated {dollars(Decimal(self.saved_usd))} saved"
        return f"{self.because} {saved}."
