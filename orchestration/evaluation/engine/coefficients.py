"""A team's own coefficients: learned from its graded questions, and compared with those that ship.

Both are scored on questions that neither the coefficients nor the records were learned from, by their log
loss: the negative logarithm of what was believed of the alternatives that may be the right one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from random import Random
from statistics import fmean, stdev

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.belief.fitting import (
    FEWEST_EXAMPLES,
    FEWEST_FOR_OFFSETS,
    FOLDS,
    ReadExample,
    fit,
    random_panels,
    with_records,
)
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import QuestionTraits, ReadAnswer, answer_groups

FEWEST_OF_KIND = 10
"""Graded questions of a kind from which on hedging counts in answers to it."""
LEAST_LIKELY = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedCoefficients:
    """Coefficients as they are stored, and by how much they lower the log loss of questions held out.

    `gain` is the mean over `compared` questions, in nats, `error` its standard error.
    """

    document: Mapping[str, Json]
    gain: float
    error: float
    compared: int

    @property
    def is_better(self) -> bool:
        """Return whether they are to be used: whether the gain exceeds its standard error."""
        return self.gain > self.error


def rated_example(
    question: QuestionTraits, answers: Sequence[ReadAnswer], chosen: int, *, liked: bool
) -> ReadExample | None:
    """Return what a rating of the `chosen` one of several answers says, None if it cannot be compared.

    What says the same as an answer that was liked is right, all else is wrong. Of one that was not, only that
    it is wrong is known, and of what says the same.
    """
    groups = answer_groups(answers)
    same = next((group for group in groups if chosen in group), None)
    if same is None:
        return None
    others = False if liked else None
    right = tuple(liked if place in same else others for place in range(len(answers)))
    return ReadExample(question=question, answers=tuple(answers), right=right)


def fit_coefficients(
    examples: Sequence[ReadExample], prior: Belief, *, seed: int = 0
) -> FittedCoefficients | None:
    """Return the coefficients after graded questions, None where there are too few of these.

    `prior` has the coefficients that ship. Lengths are left out: a team's records do not have the usual ones.
    """
    read = [
        replace(each, answers=tuple(replace(one, length=0.0) for one in each.answers)) for each in examples
    ]
    if len(read) < FEWEST_EXAMPLES:
        return None
    often = Counter(each.question.kind for each in read)
    kinds = frozenset(kind for kind, number in often.items() if number >= FEWEST_OF_KIND)
    own, offsets = replace(prior, hedging_kinds=kinds), len(read) * (FOLDS - 1) >= FEWEST_FOR_OFFSETS * FOLDS
    gains = list(_gains(read, prior, own, seed=seed, offsets=offsets))
    if len(gains) < FEWEST_EXAMPLES:
        return None
    found = fit(read, own, seed=seed, offsets=offsets)
    return FittedCoefficients(
        document={
            "coefficients": {term.value: value for term, value in found.coefficients.items()},
            "hedging_kinds": sorted(kinds),
            "forms": {
                kind: {form.value: value for form, value in each.items()}
                for kind, each in found.forms.items()
            },
            "offsets": {name: dict(each.offsets) for name, each in found.records.items() if each.offsets},
        },
        gain=fmean(gains),
        error=stdev(gains) / sqrt(len(gains)),
        compared=len(gains),
    )


def _gains(
    examples: Sequence[ReadExample], prior: Belief, own: Belief, *, seed: int, offsets: bool
) -> Iterator[float]:
    """Yield by how much the log loss of each example is lower than with the coefficients that ship."""
    order = list(examples)
    Random(seed).shuffle(order)  # noqa: S311  # repeatable, guards nothing
    for number in range(FOLDS):
        others = [each for place, each in enumerate(order) if place % FOLDS != number]
        shipped = with_records(prior, others)
        fitted = fit(others, own, seed=seed, offsets=offsets, fewest=0)
        for example in order[number::FOLDS]:
            panels = list(random_panels(example, Random(seed)))  # noqa: S311
            losses = [_loss(shipped, each) - _loss(fitted, each) for each in panels if _says_something(each)]
            if losses:
                yield fmean(losses)


def _says_something(example: ReadExample) -> bool:
    """Return whether something is known of which of its alternatives is right."""
    groups = answer_groups(example.answers)
    return len(example.possible(groups)) <= len(groups)


def _loss(belief: Belief, example: ReadExample) -> float:
    posterior = belief.after(example.question, example.answers)
    shares = [*(group.right for group in posterior.groups), posterior.none]
    likely = sum(shares[place] for place in example.possible(tuple(each.places for each in posterior.groups)))
    return -log(max(likely, LEAST_LIKELY))
