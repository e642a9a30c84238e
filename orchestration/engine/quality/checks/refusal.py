"""A model should not decline to answer."""

from __future__ import annotations

import re

from orchestration.engine.quality.evidence import Dimension, Finding, Subject
from orchestration.engine.types import FinishReason

OPENING = 240
"""Characters: who refuses does so at once."""

_DOING = (
    "help|assist|answer|do (?:that|this|so)|provide|comply|fulfil|create|write|solve|give|discuss|generate"
)
_REFUSAL = re.compile(
    r"\b(?:i|we) (?:can(?:no|[\u2019']?)t|can not|won[\u2019']?t|will not|must decline to) (?:\w+ ){0,2}?(?:"
    rf"{_DOING})\b"
    rf"|\b(?:i|we)(?:[\u2019']m| am| are) (?:not able|unable) to (?:\w+ ){{0,2}}?(?:{_DOING})\b"
    r"|^\W*(?:sorry,? (?:but )?)?i (?:do not|don[\u2019']t) know\b"
    r"|\bas an ai(?: language)? model,? i (?:can(?:no|[\u2019'])t|do not|don[\u2019']t)\b",
    re.IGNORECASE,
)


def check(subject: Subject) -> Finding | None:
    """Find a refusal, by the provider's filter or in the model's own words."""
    if subject.finish is FinishReason.CONTENT_FILTER:
        return _finding("The provider's content filter stopped the answer.")
    match = _REFUSAL.search(subject.text[:OPENING])
    if match is None:
        return None
    return _finding(f"The model declines to answer: “{' '.join(match.group().split())}”.")


def _finding(evidence: str) -> Finding:
    bounds = {Dimension.COMPLETENESS: 0.05, Dimension.RELEVANCE: 0.3}
    return Finding(check="refusal", evidence=evidence, effect=-5.0, bounds=bounds, disqualifying=True)
