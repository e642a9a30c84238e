"""What early stopping saves and loses, and what a cascade costs, on recorded answers in five folds.

`python -m benchmarks.stopping [--data FOLDER] [--seeds N] [--recompute]`. Nothing is asked. The belief of
each fold is learned from other questions, as in `benchmarks.belief`. Early stops: the models of a panel in
its order, one after the other; the share of calls that are not started, and the points of accuracy lost
against asking all. Cascades: the panel "ladder" at its recorded costs, beside asking the expensive model
where the two cheap ones differ. Gains: what one more answer was expected to add, and what it did add.
"""

from __future__ import annotations

import argparse
import gzip
import json
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from random import Random
from statistics import fmean, geometric_mean, pstdev

from benchmarks.belief import FOLDS, FROM_SCRATCH, START
from benchmarks.recorded_answers import DATA, MIXED, folder_or_exit, panels
from orchestration.strategies.engine.belief.fitting import ReadExample, fit
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import question_traits, read_text
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.lengths import length_beside_usual
from orchestration.strategies.engine.voting.strategy import FEWEST_BELIEVED, LEAST_GAIN

DIALS = (0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12)
SURE = (0.95, 0.96, 0.97, 0.98)
THOUSAND = 1_000
STOPPED = ("weak5", "cheap5", "mid5", "top5")
BINS = (0.0, 1e-6, 0.02, 0.04, 0.08, 0.15, 0.3, 1.0)
"""Bounds of expected gains that are averaged together."""


@dataclass(frozen=True, kw_only=True)
class Priced:
    """A question with the answers of models, what each of them cost in US dollars, and its tokens."""

    example: ReadExample
    costs: Sequence[float]
    tokens: Sequence[int]

    def of(self, models: Sequence[str]) -> Priced | None:
        """Return the question with the answers of these models in this order, None without one of them."""
        place = {answer.model: number for number, answer in enumerate(self.example.answers)}
        if any(model not in place for model in models):
            return None
        places = [place[model] for model in models]
        return Priced(
            example=self.example.only(places),
            costs=[self.costs[each] for each in places],
            tokens=[self.tokens[each] for each in places],
        )


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one question ended under a rule: right or not, calls started, US dollars."""

    right: bool
    calls: int
    cost_usd: float


def questions(folder: Path, *, recompute: bool = False) -> Iterator[Priced]:
    """Yield the recorded questions with all graded answers, and with what code in them comes to if wanted."""
    for name in MIXED:
        with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            for recorded in map(json.loads, lines):
                prompt = recorded["prompt"]
                known = [
                    each
                    for each in recorded["answers"]
                    if None not in (each["text"], each["correct"], each["cost_usd"], each["tokens"])
                ]
                yield Priced(
                    example=ReadExample(
                        question=question_traits(prompt, recompute=recompute),
                        answers=tuple(read_text(each["model"], each["text"], prompt) for each in known),
                        right=tuple(each["correct"] for each in known),
                    ),
                    costs=[each["cost_usd"] for each in known],
                    tokens=[each["tokens"] for each in known],
                )


def ended(belief: Belief, one: Priced, number: int) -> Ended:
    """Return how a question ends with so many answers: the likeliest group wins, without one the first."""
    part = one.example.only(range(number))
    posterior = belief.after(part.question, part.answers)
    places = posterior.best.places if posterior.groups else (0,)
    right = 2 * sum(bool(part.right[place]) for place in places) > len(places)
    return Ended(right=right, calls=number, cost_usd=sum(one.costs[:number]))


def early(belief: Belief, one: Priced, *, sure: float | None) -> Ended:
    """Return how a vote by belief ends that asks one model after the other.

    Without `sure` it stops where nothing can change any more, else once that probability is reached, too, or
    no model is expected to add enough.
    """
    question, names = one.example.question, [each.model for each in one.example.answers]
    for number in range(1, len(names)):
        answers, left = one.example.answers[:number], names[number:]
        posterior = belief.after(question, answers)
        stops = belief.is_final(question, answers, left)
        if sure is not None and posterior.groups:
            gain = max(belief.worth(posterior, question, name) for name in left)
            settled = number >= FEWEST_BELIEVED and gain <= LEAST_GAIN
            stops = stops or settled or posterior.best.right >= sure
        if stops:
            return ended(belief, one, number)
    return ended(belief, one, len(names))


Usual = Mapping[TaskType, Sequence[int]]
"""The tokens that each model of a panel usually writes, by type of task."""


def usual_tokens(known: Sequence[Priced]) -> Usual:
    """Return the geometric mean of the tokens of each model's answers, by type of task."""
    by_task = defaultdict[TaskType, list[Sequence[int]]](list)
    for each in known:
        by_task[each.example.question.task].append(each.tokens)
    return {
        task: [round(geometric_mean([max(1, each) for each in column])) for column in zip(*rows, strict=True)]
        for task, rows in by_task.items()
    }


def cascaded(belief: Belief, one: Priced, dial: float, usual: Usual) -> Ended:
    """Return how a cascade ends: two cheap models, and the expensive one where it is worth its price."""
    question, answers = one.example.question, one.example.answers
    posterior = belief.after(question, answers[:2])
    known = usual.get(question.task, one.tokens)
    longer = length_beside_usual(zip(one.tokens[:2], known[:2], strict=True))
    gain = belief.worth(posterior, question, answers[-1].model) if posterior.groups else 1.0
    return ended(belief, one, 2 if gain <= dial * longer else len(answers))


def agreed(belief: Belief, one: Priced) -> Ended:
    """Return how it ends where two cheap ones that agree decide, else the expensive model."""
    example = one.example.only((0, 1))
    same = any(len(group.places) > 1 for group in belief.after(example.question, example.answers).groups)
    last = 0 if same else -1
    return Ended(right=bool(one.example.right[last]), calls=2, cost_usd=sum(one.costs[: 2 if same else None]))


def by_rule(belief: Belief, one: Priced, usual: Usual | None) -> dict[str, Ended]:
    """Return how a question ends under each rule; cascades where it is told how long answers usually are."""
    if usual is None:
        return {
            "all": ended(belief, one, len(one.costs)),
            "exact": early(belief, one, sure=None),
            **{f"posterior {sure:g}": early(belief, one, sure=sure) for sure in SURE},
        }
    right = bool(one.example.right[-1])
    return {
        "expensive alone": Ended(right=right, calls=1, cost_usd=one.costs[-1]),
        "two agree, else it": agreed(belief, one),
        **{f"worth {dial:g}": cascaded(belief, one, dial, usual) for dial in DIALS},
    }


Gains = dict[tuple[str, int, int], list[tuple[float, float]]]
"""What one more answer was expected to add and did add: by panel, answers before it, and bin."""


def gains(belief: Belief, one: Priced, drawn: Random) -> Iterator[tuple[int, int, tuple[float, float]]]:
    """Yield the gain of one more answer after one, two and three of a panel, with its bin."""
    places = range(len(one.costs))
    for number in range(1, min(4, len(places))):
        part = one.of([one.example.answers[each].model for each in drawn.sample(places, number + 1)])
        if part is None:
            continue
        posterior = belief.after(part.example.question, part.example.answers[:number])
        expected = belief.worth(posterior, part.example.question, part.example.answers[-1].model)
        real = float(ended(belief, part, number + 1).right) - float(ended(belief, part, number).right)
        yield number, bisect(BINS, expected), (expected, real)


def results(
    found: Sequence[Priced], folder: Path, seeds: int
) -> tuple[Mapping[str, Mapping[str, list[Ended]]], Gains]:
    """Return how all questions end, by panel and rule, and gains."""
    named, whole = panels(folder), defaultdict[str, dict[str, list[Ended]]](dict)
    added, drawn = defaultdict[tuple[str, int, int], list[tuple[float, float]]](list), Random(0)
    for seed in range(seeds):
        order = list(found)
        Random(seed).shuffle(order)  # repeatable, guards nothing
        for number in range(FOLDS):
            learned_from = [each for place, each in enumerate(order) if place % FOLDS != number]
            shipped = fit(
                [each.example for each in learned_from], START, strength=FROM_SCRATCH, offsets=False
            )
            for panel in (*STOPPED, "ladder"):
                models = named[panel]
                known = [e for each in learned_from if (e := each.of(models))]
                team = fit([each.example for each in known], shipped)
                usual = usual_tokens(known) if panel == "ladder" else None
                for one in (each.of(models) for each in order[number::FOLDS]):
                    for rule, end in by_rule(team, one, usual).items() if one else ():
                        whole[panel].setdefault(rule, []).append(end)
                    for asked, place, gain in gains(team, one, drawn) if one else ():
                        added[panel, asked, place].append(gain)
    return whole, added


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recompute", action="store_true")
    given, _ = parser.parse_known_args()
    folder = folder_or_exit(given.data)
    found, added = results(list(questions(folder, recompute=given.recompute)), folder, given.seeds)
    print(f"{'panel':<8} {'rule':<19} {'right':>6} {'lost':>6} {'error':>6} {'saved':>6} {'$/1,000':>8}")
    for panel, rules in found.items():
        first = next(iter(rules.values()))
        for rule, ends in rules.items():
            lost = [float(one.right) - float(other.right) for one, other in zip(first, ends, strict=True)]
            error = pstdev(lost) / sqrt(len(lost) / given.seeds)
            saved = 1 - sum(each.calls for each in ends) / sum(each.calls for each in first)
            right = fmean(each.right for each in ends)
            print(
                f"{panel:<8} {rule:<19} {100 * right:>6.2f} {100 * fmean(lost):>+6.2f}"
                f" {100 * error:>6.2f} {'' if panel == 'ladder' else format(saved, '.1%'):>6}"
                f" {THOUSAND * fmean(each.cost_usd for each in ends):>8.3f}"
            )
    print(f"\n{'panel':<8} {'answers':>7} {'gains':>6} {'expected':>9} {'real':>6} {'error':>6}")
    for (panel, number, _), pairs in sorted(added.items()):
        expected, real = (fmean(values) for values in zip(*pairs, strict=True))
        error = pstdev([each for _, each in pairs]) / sqrt(len(pairs))
        print(f"{panel:<8} {number:>7} {len(pairs):>6} {expected:>9.3f} {real:>6.3f} {error:>6.3f}")


if __name__ == "__main__":
    main()
