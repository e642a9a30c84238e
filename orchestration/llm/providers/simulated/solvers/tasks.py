"""Saying what kind of task a request is, where the labels on offer are the kinds of task."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.llm.providers.simulated.solution import Solution, chosen
from orchestration.strategies.engine.classification import TaskType, classify

_KINDS = {task.value for task in TaskType}


def pick_task(labels: Sequence[str], text: str) -> Solution | None:
    """Pick the kind of task that the words of `text` speak for; None for other labels, or without a word."""
    found = classify(text)
    if not found.words or not _KINDS.issuperset(labels) or found.task not in labels:
        return None
    return chosen(found.task.value, labels, "Look for the words that say what is to be done")
