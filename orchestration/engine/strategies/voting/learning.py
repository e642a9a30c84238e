"""What the voting strategy learns from labelled answers: how much each model's vote should weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.engine.consensus.extraction import extract_answer
from orchestration.engine.consensus.grouping import group_answers
from orchestration.engine.consensus.reliability import PastVote, fit_weights
from orchestration.engine.strategies.learning import TrainingExample


def learned_weights(examples: Sequence[TrainingExample], panel: Sequence[str]) -> Mapping[str, float]:
    """Return a weight for each model of the panel; empty when the examples do not tell the models apart."""
    votes = [_vote(example, panel) for example in examples]
    fitted = fit_weights([vote for vote in votes if vote.answers])
    return {name: fitted.get(name, 0.0) for name in panel} if any(fitted.values()) else {}


def _vote(example: TrainingExample, panel: Sequence[str]) -> PastVote:
    there = [name for name in panel if name in example.answers]
    read = [extract_answer(example.answers[name].text, question=example.prompt) for name in there]
    answers: dict[str, str | None] = dict.fromkeys(there)
    right = None
    for group in group_answers(read):
        names = [there[member] for member in group.members]
        answers |= dict.fromkeys(names, group.key)
        if sum(example.answers[name].correct for name in names) * 2 > len(names):
            right = group.key
    return PastVote(answers=answers, right=right)
