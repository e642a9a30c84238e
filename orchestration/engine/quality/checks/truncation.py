"""An answer should not be cut off."""

from __future__ import annotations

import re

from orchestration.engine.quality.evidence import Dimension, Finding, Subject
from orchestration.engine.types import FinishReason

PROSE_WORDS = 40
_CUT = re.compile(r"(?:[\w,]|\s-)$")
_FENCE = re.compile(r"^\s*```", re.MULTILINE)


def check(subject: Subject) -> Finding | None:
    """Find an answer that the length limit ended, or one that stops in mid-word or inside a code block."""
    if subject.finish is FinishReason.LENGTH:
        return _finding("The answer was cut off at the length limit.", -3.0, disqualifying=True)
    if len(_FENCE.findall(subject.text)) % 2:
        return _finding("The answer ends inside a code block.", -2.5)
    last = subject.text.rstrip().rsplit("\n", 1)[-1]
    if len(last.split()) >= PROSE_WORDS and _CUT.search(last):
        return _finding("The answer stops in the middle of a sentence.", -2.5)
    return None


def _finding(evidence: str, effect: float, *, disqualifying: bool = False) -> Finding:
    bounds = {Dimension.COMPLETENESS: 0.4}
    return Finding(
        check="truncated", evidence=evidence, effect=effect, bounds=bounds, disqualifying=disqualifying
    )
