"""An answer should not go round in circles."""

from __future__ import annotations

import re

from orchestration.engine.quality.evidence import Dimension, Finding, Subject

SIZE = 6
ENOUGH_WORDS = 60
MOST_REPEATED = 0.4
MOST_WORDS = 20_000


def repeated_share(text: str) -> float:
    """Return the share (0 to 1) of runs of six words that have stood in `text` before."""
    words = re.findall(r"\w+", text.lower())[:MOST_WORDS]
    runs = [tuple(words[start : start + SIZE]) for start in range(len(words) - SIZE + 1)]
    return 1.0 - len(set(runs)) / len(runs) if runs else 0.0


def check(subject: Subject) -> Finding | None:
    """Find a text most of which it has said before."""
    share = repeated_share(subject.text)
    if share < MOST_REPEATED or len(subject.text.split()) < ENOUGH_WORDS:
        return None
    return Finding(
        check="repetition",
        evidence=f"The answer repeats itself: {share:.0%} of its word sequences come again.",
        effect=-3.0,
        bounds={Dimension.FLUENCY: 0.2, Dimension.COHERENCE: 0.3},
    )
