"""Was it right? The only place where what came out meets the labels."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.engine.evaluation.items import Item, ItemKey, Label
from orchestration.engine.evaluation.matching import states
from orchestration.engine.evaluation.trial import Played
from orchestration.engine.strategies.strategy import escalations
from orchestration.engine.types import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One item's result. `quality` is the outcome's own estimate, None where there is none."""

    key: ItemKey
    correct: bool
    escalated: bool
    quality: float | None


def score(played: Played, item: Item, label: Label) -> Score:
    """Compare an outcome with the label; a failed run is wrong."""
    outcome = played.outcome
    if outcome is None:
        return Score(key=item.key, correct=False, escalated=False, quality=None)
    return Score(
        key=item.key,
        correct=is_right(outcome, item, label),
        escalated=any(decision.kind in escalations() for decision in outcome.decisions),
        quality=None if outcome.quality is None else outcome.quality.overall,
    )


def is_right(outcome: Outcome, item: Item, label: Label) -> bool:
    """Take the label of the recorded answer that was chosen; else compare the final answer to the reference.

    An answer that is nobody's recorded one, where there is no reference either, counts as wrong.
    """
    models = {candidate.step: candidate.model for candidate in outcome.candidates}
    chosen = models.get(outcome.chosen, "")
    known = label.correct(chosen)
    if known is not None and item.answers[chosen].text == outcome.answer:
        return known
    return label.reference is not None and states(outcome.answer, label.reference, item.prompt)
