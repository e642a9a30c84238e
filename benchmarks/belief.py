"""How good the belief is on recorded answers, in five folds; and the learning of the coefficients that ship.

`python -m benchmarks.belief [--data FOLDER] [--seeds N] [--json] [--ship] [--recompute]`. Nothing is asked.
In each fold the coefficients that would ship are learned on the other questions, from all models; then the
belief of a team that has graded its panel's answers to these. Nothing is learned from a question that is
scored. The last rows score coefficients on kinds of question that they were not learned on. `--ship` writes
what is learned from all questions to `shipped.json` (some five minutes in all). What code in a question comes
to counts only with `--recompute`: it is no matter of combining answers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from random import Random
from statistics import fmean, pstdev

from benchmarks.recorded_answers import DATA, MIXED, folder_or_exit, panels
from orchestration.evaluation.engine.calibration import auroc, expected_calibration_error
from orchestration.evaluation.engine.running import training_examples
from orchestration.llm.providers.recorded.loading import load_recordings
from orchestration.strategies.engine.belief.fitting import ReadExample, fit, read_examples, with_records
from orchestration.strategies.engine.belief.model import Belief, Term
from orchestration.strategies.engine.belief.shipped import FILE

FOLDS = 5
FROM_SCRATCH = 5.0
"""The strength with which coefficients that ship are held to those from which they are learned."""
START = Belief(coefficients={Term.VOTE: 0.6, Term.RECORD: 0.4, Term.SIZE: 0.7})
"""From where the shipped coefficients are learned: about plurality."""
SETS = {"mixed3": MIXED, "mmlu": ("mmlu_pro_text",), "numersense": ("zeroeval_numersense",)}
PANELS = {"mixed3": ("weak5", "cheap5", "mid5", "top5"), "mmlu": ("mmlu11",), "numersense": ("all9",)}

Examples = Sequence[ReadExample]
Panels = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class BeliefFigures:
    """One panel: accuracy in percent, the gain over plurality with its standard error, and the estimates.

    `alone` and `alone_ece` are the AUROC and the calibration error of each answer by itself.
    """

    panel: str
    questions: int
    right: float
    plurality: float
    gain: float
    error: float
    auroc: float
    ece: float
    alone: float
    alone_ece: float
    learned_on: str = ""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One question: whether belief and plurality were right, and the probability; each answer alone, too."""

    belief: bool
    plurality: bool
    estimate: float
    alone: Sequence[tuple[float, bool]]


def read_set(folder: Path, name: str) -> Examples:
    """Return the graded questions of a recording, read."""
    data = load_recordings([folder / f"{name}.dev.jsonl.gz"])
    return read_examples(training_examples(data.recording.items, data.labels))


def without_results(examples: Examples) -> Examples:
    """Return the questions without what their code comes to."""
    return [replace(each, question=replace(each.question, result=None)) for each in examples]


def of_panel(examples: Examples, models: Sequence[str]) -> list[ReadExample]:
    """Return the questions that all of `models` answered, with their answers in this order."""
    found = []
    for example in examples:
        place = {answer.model: number for number, answer in enumerate(example.answers)}
        if all(model in place for model in models):
            found.append(example.only([place[model] for model in models]))
    return found


def scored(belief: Belief, example: ReadExample) -> Scored:
    """Score the belief on a question; in a group the label of most of its answers counts."""
    posterior = belief.after(example.question, example.answers)
    alone = [
        (belief.after(example.question, [answer]).best.right, bool(right))
        for answer, right in zip(example.answers, example.right, strict=True)
    ]
    if not posterior.groups:
        best = max(alone)
        return Scored(belief=best[1], plurality=bool(example.right[0]), estimate=best[0], alone=alone)
    largest = max(posterior.groups, key=lambda group: len(group.places))
    return Scored(
        belief=_is_right(example, posterior.best.places),
        plurality=_is_right(example, largest.places),
        estimate=posterior.best.right,
        alone=alone,
    )


def _is_right(example: ReadExample, places: Sequence[int]) -> bool:
    return 2 * sum(bool(example.right[place]) for place in places) > len(places)


def folds(examples: Examples, seed: int) -> Iterator[tuple[Examples, Examples]]:
    """Yield the questions to learn from and those to score, disjoint."""
    order = list(examples)
    Random(seed).shuffle(order)  # repeatable, guards nothing
    for number in range(FOLDS):
        yield [one for at, one in enumerate(order) if at % FOLDS != number], order[number::FOLDS]


def five_folds(examples: Examples, named: Panels, seeds: int) -> Iterator[BeliefFigures]:
    """Yield the figures of each panel."""
    found: dict[str, list[Scored]] = {name: [] for name in named}
    for seed in range(seeds):
        for learned_from, left in folds(examples, seed):
            shipped = fit(learned_from, START, seed=seed, strength=FROM_SCRATCH, offsets=False)
            for name, models in named.items():
                team = fit(of_panel(learned_from, models), shipped, seed=seed)
                found[name] += [scored(team, example) for example in of_panel(left, models)]
    yield from (figures(name, results, seeds) for name, results in found.items())


def figures(name: str, results: Sequence[Scored], seeds: int, learned_on: str = "") -> BeliefFigures:
    """Return the figures of a panel's results in so many seeds."""
    gains = [float(one.belief) - float(one.plurality) for one in results]
    judged = [(one.estimate, one.belief) for one in results]
    alone = [pair for one in results for pair in one.alone]
    return BeliefFigures(
        panel=name,
        questions=len(results) // seeds,
        right=100 * fmean(one.belief for one in results),
        plurality=100 * fmean(one.plurality for one in results),
        gain=100 * fmean(gains),
        error=100 * pstdev(gains) / sqrt(len(gains) / seeds),
        auroc=auroc(judged) or 0.0,
        ece=expected_calibration_error(judged) or 0.0,
        alone=auroc(alone) or 0.0,
        alone_ece=expected_calibration_error(alone) or 0.0,
        learned_on=learned_on,
    )


def elsewhere(sets: Mapping[str, Examples], named: Mapping[str, Panels]) -> Iterator[BeliefFigures]:
    """Yield the figures with coefficients that other sets taught; only records are the team's, in folds."""
    for name, examples in sets.items():
        for other in (each for each in sets if each != name and len(sets[each]) > len(examples) / 2):
            taught = fit(sets[other], START, strength=FROM_SCRATCH, offsets=False)
            for panel, models in named[name].items():
                results = []
                for learned_from, left in folds(of_panel(examples, models), 0):
                    belief = with_records(replace(taught, records={}, kinds={}, forms={}), learned_from)
                    results += [scored(belief, example) for example in left]
                yield figures(panel, results, 1, learned_on=other)


def ship(sets: Mapping[str, Examples], files: Sequence[str]) -> None:
    """Learn the coefficients from all questions and write them with where they are from."""
    examples = [example for some in sets.values() for example in some]
    learned = fit(examples, START, strength=FROM_SCRATCH, offsets=False)
    stored = {
        "learned_from": {
            "files": list(files),
            "questions": len(examples),
            "answers": sum(len(example.answers) for example in examples),
            "models": len({answer.model for example in examples for answer in example.answers}),
            "script": "python -m benchmarks.belief --ship",
        },
        "coefficients": {term.value: value for term, value in learned.coefficients.items()},
    }
    FILE.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote {FILE.name}.")


def show(rows: Sequence[BeliefFigures]) -> None:
    """Print the figures as a table."""
    print(
        f"{'panel':<8} {'learned on':<11} {'questions':>9} {'right':>6} {'plurality':>9} {'gain':>6}"
        f" {'error':>6} {'AUROC':>6} {'ECE':>6} {'alone':>6} {'ECE':>6}"
    )
    for row in rows:
        print(
            f"{row.panel:<8} {row.learned_on or 'other folds':<11} {row.questions:>9} {row.right:>6.1f}"
            f" {row.plurality:>9.1f} {row.gain:>+6.2f} {row.error:>6.2f} {row.auroc:>6.3f} {row.ece:>6.3f}"
            f" {row.alone:>6.3f} {row.alone_ece:>6.3f}"
        )


def main() -> None:
    """Measure, or ship."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("--recompute", action="store_true")
    given, _ = parser.parse_known_args()
    folder = folder_or_exit(given.data)
    names = [name for some in SETS.values() for name in some]
    with ProcessPoolExecutor(2) as pool:
        read = dict(zip(names, pool.map(read_set, [folder] * len(names), names), strict=True))
    sets: dict[str, Examples] = {}
    for key, some in SETS.items():
        examples = [each for name in some for each in read[name]]
        sets[key] = examples if given.recompute else without_results(examples)
    if given.ship:
        ship(sets, [f"{name}.dev" for name in names])
        sys.exit(0)
    known = {**panels(folder), "all9": [answer.model for answer in sets["numersense"][0].answers]}
    named = {key: {name: known[name] for name in some} for key, some in PANELS.items()}
    rows = [row for key, some in sets.items() for row in five_folds(some, named[key], given.seeds)]
    rows += elsewhere(sets, named)
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        show(rows)


if __name__ == "__main__":
    main()
