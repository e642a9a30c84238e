"""An answer should not state two different final answers."""

from __future__ import annotations

from itertools import pairwise

from orchestration.engine.consensus.extraction import stated_answers
from orchestration.engine.quality.evidence import Dimension, Finding, Subject


def check(subject: Subject) -> Finding | None:
    """Find final answers that differ between, say, the closing line and the box."""
    stated = stated_answers(subject.text)
    for (one, first), (other, second) in pairwise(stated.items()):
        if first.key != second.key:
            words = f"“{first.raw}” ({one}) against “{second.raw}” ({other})"
            return Finding(
                check="contradiction",
                evidence=f"The answer contradicts itself: {words}.",
                effect=-0.7,
                bounds={Dimension.COHERENCE: 0.4, Dimension.ACCURACY: 0.5},
            )
    return None
