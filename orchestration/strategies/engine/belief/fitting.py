"""Learn a belief from graded answers: records by counting, coefficients by maximum a posteriori.

The coefficients maximise the log-likelihood of the right groups less `strength` / 2 times the squared
distance from a prior's coefficients, by Newton's method: the problem is concave. Each question counts with
several random panels drawn from its answers, so that what is learned holds for panels of any size. Records
that enter as values are counted on other questions than the one that is learned from (cross-fitting), else a
model's own answer would be part of what predicts it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from orchestration.strategies.engine.belief.model import (
    NOTHING,
    AnswerRecord,
    Belief,
    Term,
    Tried,
    form_key,
)
from orchestration.strategies.engine.belief.reading import (
    Form,
    Groups,
    QuestionTraits,
    ReadAnswer,
    answer_groups,
    question_traits,
    read_text,
)
from orchestration.strategies.engine.strategy import TrainingExample

if TYPE_CHECKING:
    from numpy import ndarray

FEWEST_EXAMPLES = 30
"""Graded questions below which the prior's coefficients stand."""
FEWEST_FOR_OFFSETS = 300
"""Graded questions from which on each model's vote gets an offset of its own."""
FOLDS = 4
PANELS = 4
SIZES = (1, 2, 3, 4, 5, 5, 7, 9, 11)
"""Numbers of models of the random panels, each equally likely."""
STRENGTH = 100.0
"""How strongly a team's coefficients are held to those that ship; for comparison, a question that two groups
divide has a curvature of up to 1/4 for a term that sets them apart by 1."""
OFFSET_STRENGTH, KIND_STRENGTH = 30.0, 60.0
"""Strengths of the prior of a model's offset, which is 0: of that for all questions, and for one kind."""
FORM_STRENGTH = 20.0
"""The same of the coefficients of the form of answers to one kind of question."""
MOST_STEPS = 40
LONGEST_STEP = 2.0
CLOSE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadExample:
    """A graded question as it is learned from: its answers, read, and which are right; None: not known."""

    question: QuestionTraits
    answers: tuple[ReadAnswer, ...]
    right: tuple[bool | None, ...]

    def only(self, places: Sequence[int]) -> ReadExample:
        """Return the example with some of the answers."""
        return replace(
            self,
            answers=tuple(self.answers[place] for place in places),
            right=tuple(self.right[place] for place in places),
        )

    def possible(self, groups: Groups) -> tuple[int, ...]:
        """Return which groups may be right: one of whose known answers more than half are, if there is one.

        Else those of which nothing is known, and, as the number of groups, that none is right.
        """
        known = [[found for place in group if (found := self.right[place]) is not None] for group in groups]
        right = (number for number, found in enumerate(known) if 2 * sum(found) > len(found))
        unknown = (number for number, found in enumerate(known) if not found)
        return next(((number,) for number in right), (*unknown, len(groups)))


def read_examples(examples: Iterable[TrainingExample]) -> list[ReadExample]:
    """Return training examples, read; those without an answer are left out."""
    return [
        ReadExample(
            question=question_traits(example.prompt),
            answers=tuple(
                read_text(name, each.text, example.prompt) for name, each in example.answers.items()
            ),
            right=tuple(each.correct for each in example.answers.values()),
        )
        for example in examples
        if example.answers
    ]


def with_records(prior: Belief, examples: Iterable[ReadExample]) -> Belief:
    """Return the belief with the records of these answers in place of its own."""
    by_kind: dict[str, dict[str, Tried]] = defaultdict(dict)
    by_task: dict[str, dict[str, Tried]] = defaultdict(dict)
    lengths: dict[str, dict[str, Tried]] = defaultdict(dict)
    kinds: dict[str, Tried] = {}
    for example in examples:
        kind, task = example.question.kind, example.question.task.label
        for answer, right in zip(example.answers, example.right, strict=True):
            if right is None:
                continue
            for sums, key, value in (
                (by_kind[answer.model], kind, float(right)),
                (by_task[answer.model], task, float(right)),
                (kinds, kind, float(right)),
                (kinds, "", float(right)),
                (lengths[answer.model], kind, answer.length),
                (lengths[answer.model], "", answer.length),
            ):
                sums[key] = sums.get(key, NOTHING).plus(value)
    records = {
        model: AnswerRecord(
            prior=prior.records[model].prior if model in prior.records else AnswerRecord().prior,
            by_kind=by_kind[model],
            by_task=by_task[model],
            usual={kind: each.right / each.seen for kind, each in lengths[model].items()},
        )
        for model in by_kind
    }
    return replace(prior, records={**prior.records, **records}, kinds=kinds or prior.kinds)


def fit(
    examples: Sequence[ReadExample],
    prior: Belief,
    *,
    seed: int = 0,
    strength: float = STRENGTH,
    offsets: bool = True,
    fewest: int = FEWEST_EXAMPLES,
) -> Belief:
    """Return the belief after graded questions: records, and coefficients where there are enough.

    Below the `fewest` examples the prior's coefficients stand; `strength` is that with which they are held.
    `offsets` lets each model's vote weigh by itself, from `FEWEST_FOR_OFFSETS` examples on. What the form of
    an answer says is learned for each kind of question of which there are `FEWEST_EXAMPLES`.
    """
    learned = with_records(prior, examples)
    if len(examples) < fewest:
        return learned
    prior = replace(prior, forms={})
    crossed = list(_crossed(prior, examples, Random(seed)))  # noqa: S311  # repeatable, guards nothing
    drawn = Random(seed + 1)  # noqa: S311
    panels = ((belief, part) for belief, example in crossed for part in random_panels(example, drawn))
    choices = [choice for belief, part in panels if (choice := _choice(belief, part)) is not None]
    if not choices:
        return learned
    fitted = _newton(choices, prior.coefficients, strength)
    learned = replace(learned, coefficients=fitted)
    if offsets and len(examples) >= FEWEST_FOR_OFFSETS:
        learned = _with_offsets(learned, [(replace(b, coefficients=fitted), e) for b, e in crossed])
    return replace(learned, forms=_forms(learned, crossed, drawn))


def _crossed(
    prior: Belief, examples: Sequence[ReadExample], drawn: Random
) -> Iterator[tuple[Belief, ReadExample]]:
    """Yield each example with a belief whose records are from the other folds."""
    order = list(examples)
    drawn.shuffle(order)
    for number in range(FOLDS):
        others = [each for place, each in enumerate(order) if place % FOLDS != number]
        belief = with_records(prior, others)
        yield from ((belief, each) for each in order[number::FOLDS])


def random_panels(example: ReadExample, drawn: Random) -> Iterator[ReadExample]:
    """Yield the example as several panels of random sizes answered it."""
    there = range(len(example.answers))
    for _ in range(PANELS):
        yield example.only(drawn.sample(there, min(drawn.choice(SIZES), len(there))))


def _two(example: ReadExample, drawn: Random) -> list[int]:
    """Return the places of at most two answers."""
    return drawn.sample(range(len(example.answers)), min(2, len(example.answers)))


_Choice = tuple[list[Mapping[Term, float]], list[float]]
"""The terms of the alternatives, "none of these" last, and the probability that each is the right one."""


def _choice(belief: Belief, example: ReadExample) -> _Choice | None:
    """Return an example as a choice between alternatives, None where nothing can be compared or is known.

    Where several may be the right one they share as `belief` has it: one step of expectation maximisation.
    """
    groups = answer_groups(example.answers)
    possible = example.possible(groups)
    if len(possible) > len(groups):
        return None
    terms: list[Mapping[Term, float]] = [*belief.terms(example.question, example.answers, groups)]
    odds = [math.exp(belief.utility(each)) * (place in possible) for place, each in enumerate(terms)]
    return terms, [each / sum(odds) for each in odds]


def _newton(choices: Sequence[_Choice], prior: Mapping[Term, float], strength: float) -> Mapping[Term, float]:
    import numpy as np  # noqa: PLC0415  # loaded when something is learned, not at a start

    terms = list(Term)
    absent, right = _padded([([0.0] * len(shares), shares) for _, shares in choices])
    values = np.zeros((*right.shape, len(terms)))
    for number, (alternatives, _) in enumerate(choices):
        for place, alternative in enumerate(alternatives):
            for column, term in enumerate(terms):
                values[number, place, column] = alternative.get(term, 0.0)
    start = np.array([prior.get(term, 0.0) for term in terms])
    found = maximise(values, absent, right, start, np.full(len(terms), strength))
    return {term: round(float(each), 4) for term, each in zip(terms, found, strict=True)}


def _padded(rows: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[ndarray, ndarray]:
    """Return utilities and shares of alternatives as arrays; absent alternatives are ruled out."""
    import numpy as np  # noqa: PLC0415

    widest = max(len(utilities) for utilities, _ in rows)
    base, right = np.full((len(rows), widest), -np.inf), np.zeros((len(rows), widest))
    for number, (utilities, shares) in enumerate(rows):
        base[number, : len(utilities)], right[number, : len(shares)] = utilities, shares
    return base, right


def maximise(values: ndarray, base: ndarray, right: ndarray, start: ndarray, strengths: ndarray) -> ndarray:
    """Return the coefficients of the greatest posterior density, by Newton's method.

    `values` has shape (choices, alternatives, coefficients); `base` (choices, alternatives) is added to each
    utility, minus infinity where there is no such alternative; `right` (choices, alternatives) are the
    probabilities that each is the right one. The prior is normal, with mean `start` and precisions
    `strengths`.
    """
    import numpy as np  # noqa: PLC0415

    found = start.copy()
    chosen = np.einsum("na,nap->np", right, values)
    for _ in range(MOST_STEPS):
        utility = values @ found + base
        odds = np.exp(utility - utility.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        mean = np.einsum("na,nap->np", shares, values)
        gradient = (chosen - mean).sum(axis=0) - strengths * (found - start)
        weighted = values * shares[:, :, None]
        curvature = np.tensordot(weighted, values, axes=([0, 1], [0, 1])) - mean.T @ mean
        step = np.linalg.solve(curvature + np.diag(strengths), gradient)
        largest = float(np.abs(step).max())
        found = found + step * min(1.0, LONGEST_STEP / max(largest, CLOSE))
        if largest < CLOSE:
            break
    return found


def _with_offsets(learned: Belief, crossed: Sequence[tuple[Belief, ReadExample]]) -> Belief:
    """Return the belief with an offset of each model's vote, for all questions and for each kind."""
    import numpy as np  # noqa: PLC0415

    columns: dict[tuple[str, str], int] = {}
    rows: list[tuple[list[float], list[list[int]], list[float]]] = []
    for belief, example in crossed:
        choice = _choice(belief, example)
        if choice is None:
            continue
        groups = answer_groups(example.answers)
        used = [
            [
                columns.setdefault((example.answers[place].model, kind), len(columns))
                for place in group
                for kind in ("", example.question.kind)
            ]
            for group in groups
        ]
        rows.append(([belief.utility(each) for each in choice[0]], [*used, []], choice[1]))
    if not rows:
        return learned
    base, right = _padded([(utilities, shares) for utilities, _, shares in rows])
    values = np.zeros((*right.shape, len(columns)))
    for number, (_, used, _) in enumerate(rows):
        for place, those in enumerate(used):
            np.add.at(values[number, place], those, 1.0)
    strengths = np.array([KIND_STRENGTH if kind else OFFSET_STRENGTH for _, kind in columns])
    found = maximise(values, base, right, np.zeros(len(columns)), strengths)
    offsets: dict[str, dict[str, float]] = defaultdict(dict)
    for (model, kind), place in columns.items():
        offsets[model][kind] = round(float(found[place]), 4)
    records = {
        model: replace(record, offsets=offsets.get(model, {})) for model, record in learned.records.items()
    }
    return replace(learned, records=records)


def _forms(
    learned: Belief, crossed: Sequence[tuple[Belief, ReadExample]], drawn: Random
) -> Mapping[str, Mapping[Form, float]]:
    """Return the coefficients of the form of answers for each kind of question with enough examples.

    They are learned from random panels, and from answers alone for these, after all others.
    """
    often = Counter(example.question.kind for _, example in crossed)
    rows: dict[str, list[_FormChoice]] = defaultdict(list)
    for belief, example in crossed:
        if often[example.question.kind] < FEWEST_EXAMPLES:
            continue
        known = replace(belief, coefficients=learned.coefficients, hedging_kinds=learned.hedging_kinds)
        alone = [example.only([place]) for place in _two(example, drawn)]
        for part in (*(each for each in random_panels(example, drawn) if len(each.answers) > 1), *alone):
            choice = _choice(known, part)
            if choice is not None:
                key = form_key(example.question.kind, len(part.answers))
                rows[key].append(_form_choice(learned, known, part, choice))
    return {key: _form_coefficients(each) for key, each in rows.items()}


_FormChoice = tuple[list[float], list[Mapping[Form, float]], list[float]]
"""The utilities of the alternatives without their forms, these, and the probability that each is right."""


def _form_choice(learned: Belief, known: Belief, example: ReadExample, choice: _Choice) -> _FormChoice:
    groups = answer_groups(example.answers)
    offsets = learned.offsets(example.question, example.answers, groups)
    utilities = [known.utility(terms) + more for terms, more in zip(choice[0], [*offsets, 0.0], strict=True)]
    forms = [example.answers[group[0]].form for group in groups]
    return utilities, [*forms, {Form.NONE: 1.0}], choice[1]


def _form_coefficients(rows: Sequence[_FormChoice]) -> Mapping[Form, float]:
    import numpy as np  # noqa: PLC0415

    base, right = _padded([(utilities, shares) for utilities, _, shares in rows])
    values = np.zeros((*right.shape, len(Form)))
    for number, (_, forms, _) in enumerate(rows):
        values[number, : len(forms)] = [[form.get(each, 0.0) for each in Form] for form in forms]
    found = maximise(values, base, right, np.zeros(len(Form)), np.full(len(Form), FORM_STRENGTH))
    return {form: round(float(each), 4) for form, each in zip(Form, found, strict=True)}
