"""An answer should be about what was asked."""

from __future__ import annotations

import re

from orchestration.engine.quality.checks.language import STOPWORDS
from orchestration.engine.quality.evidence import Dimension, Finding, Subject

STEM = 5
ENOUGH_ASKED = 4
ENOUGH_ANSWERED = 40
LEAST_SHARED = 0.1
_PLAIN = frozenset().union(*STOPWORDS.values())


def content_stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words of `text` that carry its meaning."""
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    return frozenset(word[:STEM] for word in words if word not in _PLAIN)


def check(subject: Subject) -> Finding | None:
    """Find a longer answer that shares hardly a word with its question. Short ones need not repeat it."""
    asked = content_stems(subject.question)
    if len(asked) < ENOUGH_ASKED or len(subject.text.split()) < ENOUGH_ANSWERED:
        return None
    shared = len(asked & content_stems(subject.text)) / len(asked)
    if shared >= LEAST_SHARED:
        return None
    return Finding(
        check="topic",
        evidence=f"The answer shares {shared:.0%} of the question's key words: it may miss the point.",
        effect=-0.5,
        bounds={Dimension.RELEVANCE: 0.4},
    )
