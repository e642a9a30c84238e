"""What the voting strategy learns from labelled answers: how much each model's vote should weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.engine.consensus.extraction import extract_answer
from orchestration.engine.consensus.grouping import group_answers
from orchestration.engine.consensus.reliability import PastVote, fit_weights
from orchestration.engine.strategies.learning import Lesson


def learned_weights(lessons: Sequence[Lesson], panel: Sequence[str]) -> Mapping[str, float]:
    """Return a weight for each model of the panel; empty when the lessons do not tell the models apart."""
    votes = [_vote(lesson, panel) for lesson in lessons]
    fitted = fit_weights([vote for vote in votes if vote.answers])
    return {name: fitted.get(name, 0.0) for name in panel} if any(fitted.values()) else {}


def _vote(lesson: Lesson, panel: Sequence[str]) -> PastVote:
    there = [name for name in panel if name in lesson.answers]
    read = [extract_answer(lesson.answers[name].text, question=lesson.prompt) for name in there]
    answers: dict[str, str | None] = dict.fromkeys(there)
    right = None
    for group in group_answers(read):
        names = [there[member] for member in group.members]
        answers |= dict.fromkeys(names, group.key)
        if sum(lesson.answers[name].correct for name in names) * 2 > len(names):
            right = group.key
    return PastVote(answers=answers, right=right)
