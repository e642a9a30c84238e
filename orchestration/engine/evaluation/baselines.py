"""What the same answers would have given without any strategy, read off the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.engine.evaluation.items import Label


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Accuracies: the panel's best member in hindsight, one drawn blindly, a plain vote, a perfect choice.

    `plurality` is None where nobody extracted final answers.
    """

    best_single: float
    random: float
    plurality: float | None
    oracle: float


def baseline(labels: Sequence[Label], panel: Sequence[str]) -> Baseline:
    """Return the baselines of a panel over items, at least one, whose answers are all labelled."""
    right = [[label.correct(model) is True for model in panel] for label in labels]
    singles = [sum(column) / len(labels) for column in zip(*right, strict=True)]
    extracted = any(label.answers[model].extracted for label in labels for model in panel)
    return Baseline(
        best_single=max(singles),
        random=sum(singles) / len(panel),
        plurality=sum(plurality(label, panel) for label in labels) / len(labels) if extracted else None,
        oracle=sum(map(any, right)) / len(labels),
    )


def plurality(label: Label, panel: Sequence[str]) -> bool:
    """Tell whether the most frequent extracted answer is right.

    A tie goes to the one that stands first on the panel; who has no extracted answer does not vote, and if
    nobody votes the first of the panel speaks for all.
    """
    votes: dict[str, list[str]] = {}
    for model in panel:
        answer = label.answers[model].extracted
        if answer:
            votes.setdefault(answer, []).append(model)
    most = max(votes.values(), key=len, default=[panel[0]])
    return label.correct(most[0]) is True
