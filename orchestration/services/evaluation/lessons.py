"""What strategies may learn from in an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.engine.evaluation.fitting import lessons_of, without_scored
from orchestration.engine.evaluation.items import Item
from orchestration.engine.strategies.strategy import Lesson
from orchestration.providers.recorded.loading import load_recordings


@dataclass(frozen=True, kw_only=True, slots=True)
class Lessons:
    """Graded answers, and how many items were left out because a scored one asks the same."""

    lessons: tuple[Lesson, ...] = ()
    left_out: int = 0


def lessons_for(fit: Sequence[Path], scored: Sequence[Item]) -> Lessons:
    """Read the files to learn from. Raises `InvalidRequest`, also when an item of theirs is scored."""
    if not fit:
        return Lessons()
    data = load_recordings(fit)
    kept = without_scored(data.recording.items, scored)
    return Lessons(lessons=lessons_of(kept, data.labels), left_out=len(data.recording.items) - len(kept))
