"""What speaks for or against an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from orchestration.engine.types import Candidate, FinishReason, Json


class Dimension(StrEnum):
    """The five sides of an answer's quality."""

    COHERENCE = "coherence"
    RELEVANCE = "relevance"
    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    FLUENCY = "fluency"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One answer under examination, with what it answers."""

    question: str
    text: str
    instructions: str = ""
    finish: FinishReason | None = None
    schema: Mapping[str, Json] | None = None

    @classmethod
    def of(
        cls, candidate: Candidate, *, question: str, instructions: str, schema: Mapping[str, Json] | None
    ) -> Subject:
        """Return a candidate's answer with what it answers."""
        return cls(
            question=question,
            instructions=instructions,
            text=candidate.text,
            finish=candidate.finish,
            schema=schema,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found.

    `evidence` is a sentence, `effect` moves the log-odds of being acceptable, `bounds` (0 to 1) cap the
    dimensions it concerns. A `disqualifying` one makes the answer unfit whatever else speaks for it.
    """

    check: str
    evidence: str
    effect: float
    bounds: Mapping[Dimension, float] = field(default_factory=dict)
    disqualifying: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """What one judge said of one answer.

    `scores` are 0 to 1; `confidence` is 1 when repeated looks agreed, towards 0 the more they differed.
    """

    judge: str
    scores: Mapping[Dimension, float]
    confidence: float = 1.0
    reason: str = ""
    remark: str = ""
