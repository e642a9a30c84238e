"""Score results and sum them up: the only place where results are compared with labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import groupby
from math import sqrt

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


Z95 = 1.959963984540054
BINS = 10

Judged = Sequence[tuple[float, bool]]
"""Pairs of an estimate, 0 to 1, and whether the answer was right."""


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); 0 to 1 without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def auroc(judged: Judged) -> float | None:
    """Return how often a right answer is estimated above a wrong one, a tie counting half.

    None unless there are both. The area under the ROC curve by ranks (Mann and Whitney 1947).
    """
    true = sum(right for _, right in judged)
    false = len(judged) - true
    if not true or not false:
        return None
    below, wins = 0, 0.0
    for _, tied in groupby(sorted(judged), key=lambda pair: pair[0]):
        outcomes = [right for _, right in tied]
        good = sum(outcomes)
        bad = len(outcomes) - good
        wins += good * (below + bad / 2)
        below += bad
    return wins / (true * false)


def expected_calibration_error(judged: Judged, bins: int = BINS) -> float | None:
    """Return the mean distance of estimates from the share of right answers, over bins of equal width.

    None without estimates; one of 1 belongs to the last bin. Naeini, Cooper and Hauskrecht 2015.
    """
    if not judged:
        return None
    by_bin: dict[int, list[tuple[float, bool]]] = {}
    for estimate, right in judged:
        by_bin.setdefault(min(int(estimate * bins), bins - 1), []).append((estimate, right))
    distances = (abs(sum(e for e, _ in pairs) - sum(r for _, r in pairs)) for pairs in by_bin.values())
    return sum(distances) / len(judged)


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyFigures:
    """The figures of one strategy. Accuracy and rates are fractions; None where there is no data.

    The cost is None where the recording has no price for some call.
    """

    strategy: str
    options: Mapping[str, Json]
    accuracy: float
    accuracy_ci95: tuple[float, float]
    cost_per_1k_usd: float | None
    calls_per_item: float
    escalation_rate: float
    failed_rate: float
    quality_auroc: float | None
    quality_ece: float | None
    baseline: Baseline
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the object that `evaluate --json` prints for a strategy."""
        shown = asdict(self)
        shown["accuracy_ci95"] = list(self.accuracy_ci95)
        shown["failures"] = list(self.failures)
        return {**shown, "routing": None}


def summarise(
    strategy: str,
    options: Mapping[str, Json],
    results: Sequence[ItemResult],
    scores: Sequence[Score],
    baseline: Baseline,
) -> StrategyFigures:
    """Return the figures of a strategy over at least one item; `failures` names each kind of failure once."""
    number, right = len(results), sum(score.correct for score in scores)
    costs = [item.cost_usd for item in results if item.cost_usd is not None]
    judged = [(score.quality, score.correct) for score in scores if score.quality is not None]
    failed = [item.error for item in results if item.error is not None]
    examples = {error.code: str(error) for error in reversed(failed)}
    return StrategyFigures(
        strategy=strategy,
        options=options,
        accuracy=right / number,
        accuracy_ci95=wilson(right, number),
        cost_per_1k_usd=float(sum(costs, Decimal(0)) * 1000 / number) if len(costs) == number else None,
        calls_per_item=sum(item.calls for item in results) / number,
        escalation_rate=sum(score.escalated for score in scores) / number,
        failed_rate=len(failed) / number,
        quality_auroc=auroc(judged),
        quality_ece=expected_calibration_error(judged),
        baseline=baseline,
        failures=tuple(f"{code}: {words}" for code, words in sorted(examples.items())),
    )
