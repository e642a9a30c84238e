"""Score results and sum them up: the only place where results are compared with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from orchestration.evaluation.engine.figures import (
    Against,
    ConfigurationComparison,
    Figures,
    ItemFigures,
    comparisons,
    summed_up,
)
from orchestration.evaluation.engine.running import ItemResult
from orchestration.llm.engine.types import Json
from orchestration.llm.providers.recorded.recording import Item, ItemKey, Label, same_words
from orchestration.strategies.engine.consensus.answers import read_answer, read_question
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.grouping import same_answer
from orchestration.strategies.engine.strategy import escalations
from orchestration.strategies.engine.types import StrategyOutcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The score of one item. `quality` is the outcome's own estimate, None where there is none."""

    key: ItemKey
    correct: bool
    escalated: bool
    quality: float | None
    task_type: str = ""


def score(result: ItemResult, item: Item, label: Label) -> Score:
    """Compare a result with its label; a failed run is wrong."""
    outcome = result.outcome
    if outcome is None:
        return Score(key=item.key, correct=False, escalated=False, quality=None, task_type=item.task_type)
    return Score(
        key=item.key,
        correct=is_right(outcome, item, label),
        escalated=any(decision.kind in escalations() for decision in outcome.decisions),
        quality=None if outcome.quality is None else outcome.quality.overall,
        task_type=item.task_type,
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
    return label.reference is not None and states_reference(outcome.answer, label.reference, item.prompt)


def states_reference(text: str, reference: str, question: str) -> bool:
    """Return whether the final answer of `text` equals the reference, both read as what `question` asks for.

    A reference in prose must be given word for word.
    """
    wanted = read_answer(reference, read_question(question))
    if wanted is None:
        return same_words(text) == same_words(reference)
    stated = extract_answer(text, question=question)
    return stated is not None and same_answer(stated, wanted)


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


def baseline_results(labels: Sequence[Label], panel: Sequence[str]) -> dict[Against, list[bool]]:
    """Return by item whether the best single model is right, and a plain vote where answers are extracted.

    The best one is so in hindsight, the first of the panel where several are.
    """
    single = max(panel, key=lambda model: sum(label.correct(model) is True for label in labels))
    found = {Against.BEST_SINGLE: [label.correct(single) is True for label in labels]}
    if any(label.answers[model].extracted for label in labels for model in panel):
        found[Against.PLURALITY] = [plurality(label, panel) for label in labels]
    return found


def plurality(label: Label, panel: Sequence[str]) -> bool:
    """Return whether the most frequent extracted answer is right.

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


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyFigures:
    """The figures of one configuration; `label` is its name among those that were evaluated together.

    One that sends questions to one of two models by a dial has the curve of it, as JSON, as `routing`.
    """

    label: str
    strategy: str
    options: Mapping[str, Json]
    figures: Figures
    baseline: Baseline
    right: Sequence[bool]
    comparisons: tuple[ConfigurationComparison, ...] = ()
    failures: tuple[str, ...] = ()
    routing: Mapping[str, Json] | None = None

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints for a configuration."""
        return {
            "label": self.label,
            "strategy": self.strategy,
            "options": dict(self.options),
            **self.figures.as_json(),
            "baseline": asdict(self.baseline),
            "comparisons": [each.as_json() for each in self.comparisons],
            "failures": list(self.failures),
            "routing": self.routing,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A configuration with the results of all items, and their scores, in the same order."""

    label: str
    strategy: str
    options: Mapping[str, Json]
    results: Sequence[ItemResult]
    scores: Sequence[Score]


def summarise(measured: Measured, baseline: Baseline, *, seed: int = 0) -> StrategyFigures:
    """Return the figures of a configuration over at least one item; `failures` names each kind once."""
    pairs = list(zip(measured.results, measured.scores, strict=True))
    failed = [item.error for item in measured.results if item.error is not None]
    examples = {error.code: str(error) for error in reversed(failed)}
    items = [
        ItemFigures(
            correct=score.correct,
            task_type=score.task_type,
            quality=score.quality,
            calls=item.calls,
            cost_usd=item.cost_usd,
            escalated=score.escalated,
            failed=item.error is not None,
        )
        for item, score in pairs
    ]
    return StrategyFigures(
        label=measured.label,
        strategy=measured.strategy,
        options=measured.options,
        figures=summed_up(items, seed=seed),
        baseline=baseline,
        right=[score.correct for score in measured.scores],
        failures=tuple(f"{code}: {words}" for code, words in sorted(examples.items())),
    )


def compared(
    found: Sequence[StrategyFigures], baselines: Mapping[Against, Sequence[bool]]
) -> tuple[StrategyFigures, ...]:
    """Return the figures of configurations over the same items, each compared with the others."""
    differences = comparisons({each.label: each.right for each in found}, baselines)
    return tuple(replace(each, comparisons=differences[each.label]) for each in found)
