"""A ballot as it was cast: what is told of it, and all that counting it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.engine.consensus.answers import AnswerKind, Extracted
from orchestration.engine.types import Json

UNREADABLE = "No final answer can be read in what it wrote."
CUT_SHORT = "It was cut off at the length limit before it stated a final answer."


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """What one voter said: its own answer, or in a review a ranking of `contenders` (names of models).

    `choice` is what a judge decided for. `confidence` runs from 0 to 1. Who abstained has a reason.
    """

    voter: str
    answer: Extracted | None = None
    contenders: tuple[str, ...] = ()
    ranking: tuple[str, ...] = ()
    approvals: tuple[str, ...] | None = None
    choice: str = ""
    confidence: float | None = None
    abstained: bool = False
    reason: str = ""

    @classmethod
    def none(cls, voter: str, why: str, *, contenders: tuple[str, ...] = ()) -> Cast:
        """Return an abstention."""
        return cls(voter=voter, abstained=True, reason=why, contenders=contenders)

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Cast:
        """Return the ballot that was told."""
        answer, approvals = data["answer"], data["approvals"]
        return cls(
            voter=data["voter"],
            answer=None if answer is None else Extracted(**{**answer, "kind": AnswerKind(answer["kind"])}),
            contenders=tuple(data["contenders"]),
            ranking=tuple(data["ranking"]),
            approvals=None if approvals is None else tuple(approvals),
            choice=data["choice"],
            confidence=data["confidence"],
            abstained=data["abstained"],
            reason=data["reason"],
        )

    def to_json(self) -> dict[str, Json]:
        """Return the ballot as plain JSON."""
        answer = self.answer
        return {
            "voter": self.voter,
            "answer": answer and {"kind": answer.kind.value, "key": answer.key, "raw": answer.raw},
            "contenders": list(self.contenders),
            "ranking": list(self.ranking),
            "approvals": None if self.approvals is None else list(self.approvals),
            "choice": self.choice,
            "confidence": self.confidence,
            "abstained": self.abstained,
            "reason": self.reason,
        }
