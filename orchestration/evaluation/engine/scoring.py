"""Whether a result is right: the only place where results are compared with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.evaluation.engine.running import ItemResult
from orchestration.llm.providers.recorded.recording import Item, ItemKey, Label, same_words
from orchestration.strategies.engine.consensus.answers import read_answer, read_question
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.strategy import escalations
from orchestration.strategies.engine.types import StrategyOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The score of one item. `quality` is the outcome's own estimate, None where there is none."""

    key: ItemKey
    correct: bool
    escalated: bool
    quality: float | None


def score(result: ItemResult, item: Item, label: Label) -> Score:
    """Compare a result with its label; a failed run is wrong."""
    outcome = result.outcome
    if outcome is None:
        return Score(key=item.key, correct=False, escalated=False, quality=None)
    return Score(
        key=item.key,
        correct=is_right(outcome, item, label),
        escalated=any(decision.kind in escalations() for decision in outcome.decisions),
        quality=None if outcome.quality is None else outcome.quality.overall,
    )


def is_right(outcome: StrategyOutcome, item: Item, label: Label) -> bool:
    """Return the label of the recorded answer that was chosen, else whether the text states the reference.

    An answer that is not a recorded one counts as wrong where there is no reference.
    """
    models = {candidate.step: candidate.model for candidate in outcome.candidates}
    chosen = models.get(outcome.chosen, "")
    known = label.correct(chosen)
    if known is not None and item.answers[chosen].text == outcome.answer:
        return known
    return label.reference is not None and states(outcome.answer, label.reference, item.prompt)


def states(text: str, reference: str, question: str) -> bool:
    """Tell whether the final answer of `text` equals the reference, both read as what `question` asks for.

    A reference in prose must be given word for word.
    """
    wanted = read_answer(reference, read_question(question))
    if wanted is None:
        return same_words(text) == same_words(reference)
    stated = extract_answer(text, question=question)
    return stated is not None and stated.key == wanted.key


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """Accuracies without a strategy: the best model in hindsight, a random one, a plain vote, an oracle.

    `plurality` is None where the recording has no extracted answers.
    """

    best_single: float
    random: float
    plurality: float | None
    oracle: float


def baseline(labels: Sequence[Label], panel: Sequence[str]) -> Baseline:
    """Return the baselines of a panel over at least one item, all answers of which are labelled."""
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

    A tie goes to the first one in panel order. A model without an extracted answer does not vote; if none
    votes, the answer of the first model counts.
    """
    votes: dict[str, list[str]] = {}
    for model in panel:
        answer = label.answers[model].extracted
        if answer:
            votes.setdefault(answer, []).append(model)
    most = max(votes.values(), key=len, default=[panel[0]])
    return label.correct(most[0]) is True
