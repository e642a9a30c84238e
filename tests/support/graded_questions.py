"""Graded questions with answers of models that are right so often."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from orchestration.strategies.engine.belief.fitting import ReadExample
from orchestration.strategies.engine.belief.reading import QuestionTraits, ReadAnswer
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.consensus.answers import AnswerKind, Extracted

ASKED = QuestionTraits(kind="number", task=TaskType.REASONING, length=0.3, closed=True)


def said(model: str, value: int | None) -> ReadAnswer:
    if value is None:
        return ReadAnswer(model=model, answer=None)
    return ReadAnswer(model=model, answer=Extracted(kind=AnswerKind.NUMBER, key=str(value), raw=str(value)))


def drawn_answers(skills: Mapping[str, float], drawn: Random) -> Mapping[str, int]:
    """Return what each model says, 0 where it is right."""
    return {model: 0 if drawn.random() < skill else drawn.randint(1, 3) for model, skill in skills.items()}


def questions(number: int, skills: Mapping[str, float], seed: int = 0) -> list[ReadExample]:
    """Return questions whose right answer is 0."""
    drawn, found = Random(seed), []
    for _ in range(number):
        values = drawn_answers(skills, drawn)
        answers = tuple(said(model, value) for model, value in values.items())
        right = tuple(value == 0 for value in values.values())
        found.append(ReadExample(question=ASKED, answers=answers, right=right))
    return found
