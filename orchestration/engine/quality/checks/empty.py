"""There should be an answer at all."""

from __future__ import annotations

from orchestration.engine.quality.evidence import Dimension, Finding, Subject


def check(subject: Subject) -> Finding | None:
    """Find an answer without a letter or digit in it."""
    if any(character.isalnum() for character in subject.text):
        return None
    return Finding(
        check="empty",
        evidence="The answer is empty.",
        effect=-8.0,
        bounds=dict.fromkeys(Dimension, 0.0),
        disqualifying=True,
    )
