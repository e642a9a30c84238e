"""An answer should not doubt itself throughout."""

from __future__ import annotations

import re

from orchestration.engine.quality.evidence import Dimension, Finding, Subject

MOST_HEDGES = 2
WORDS_PER_HEDGE = 60
_HEDGE = re.compile(
    r"\bi(?:[\u2019']m| am) not (?:entirely |completely |quite )?(?:sure|certain)\b"
    r"|\bi (?:think|guess|believe)\b"
    r"|\b(?:perhaps|maybe|might be|could be|not sure|hard to say|don[\u2019']t know|do not know)\b"
    r"|\b(?:cannot|can[\u2019']t) be (?:determined|certain)\b|\bmy best guess\b",
    re.IGNORECASE,
)


def check(subject: Subject) -> Finding | None:
    """Find an answer that says again and again that it may be wrong."""
    hedges = len(_HEDGE.findall(subject.text))
    if hedges < MOST_HEDGES or hedges * WORDS_PER_HEDGE < len(subject.text.split()):
        return None
    return Finding(
        check="hedging",
        evidence=f"The answer hedges {hedges} times.",
        effect=-0.8,
        bounds={Dimension.COMPLETENESS: 0.7},
    )
