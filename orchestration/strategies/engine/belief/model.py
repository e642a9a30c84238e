"""One belief in what is right: before a model is asked, after it has answered, and what one more is worth.

`before`: how often a model is right with questions of a kind, from its record. The record with the type of
task is shrunk towards the record with all of them, this towards the prior of the model's tier, and the record
with the kind of question towards that with the type of task, each by pseudo-counts:

    p(level) = (right(level) + STRENGTH * p(level above)) / (seen(level) + STRENGTH)

`after`: a conditional logit over the groups of equal answers and the alternative that none of them is right
(McFadden 1974). The utility of each is a sum of named terms, coefficient times value; their exponentials,
divided by their sum, are the probabilities. The coefficients are learned from graded answers, see `fitting`;
shipped ones stand in `shipped.json` with their provenance.

`worth`: the expected gain in the probability that the answer handed out is right, of asking one more model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orchestration.strategies.engine.belief.reading import (
    LONGEST_FORM,
    Form,
    Groups,
    QuestionTraits,
    ReadAnswer,
    answer_groups,
    comparable_places,
)

BASE = 0.7
"""How often an unremarkable answer is right, where nothing else is known."""
FEWEST_GRADED = 30
"""Graded answers of each model, on average, below which plain plurality decides a vote."""
STRENGTH, PRIOR_STRENGTH = 8.0, 4.0
"""Pseudo-counts of a record's level above, and of the prior."""
LEAST, MOST = 0.02, 0.995
"""Bounds of a probability before it is put into log-odds."""
RECOMPUTED = 7.0
"""What is added to the utility of the alternative that a recomputed result speaks for."""
TINY = 1e-12
MARGIN = 1e-3
"""The difference of utilities below which two alternatives may tie once probabilities are rounded."""


class Term(StrEnum):
    """What a utility is made of, as coefficients are named."""

    VOTE = "vote"
    RECORD = "record"
    HEDGING = "hedging"
    ALIKE = "alike"
    SIZE = "size"
    LARGEST = "largest"
    NONE = "none"
    ALONE = "alone"
    PANEL = "panel"
    SPREAD = "spread"
    LEAD = "lead"
    RECORDS = "records"
    KIND = "kind"
    LENGTHS = "lengths"
    HEDGES = "hedges"
    QUESTION = "question"


class Reason(StrEnum):
    """The terms as a page names them."""

    RECORD = "what is expected of the models that say so"
    NUMBER = "how many say so"
    MANNER = "how they say it"
    AGREEMENT = "how far all answers agree"
    RECOMPUTED = "what was recomputed"
    HARDNESS = "how hard the question looks"


REASONS: Mapping[Term, Reason] = {
    Term.RECORD: Reason.RECORD,
    **dict.fromkeys((Term.VOTE, Term.ALIKE, Term.SIZE, Term.LARGEST), Reason.NUMBER),
    Term.HEDGING: Reason.MANNER,
    **dict.fromkeys((Term.ALONE, Term.PANEL, Term.SPREAD, Term.LEAD), Reason.AGREEMENT),
    **dict.fromkeys(
        (Term.NONE, Term.RECORDS, Term.KIND, Term.LENGTHS, Term.HEDGES, Term.QUESTION), Reason.HARDNESS
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """Answers that were judged: the sum of their estimates (0 to 1, or 0 and 1), and of their weights."""

    right: float = 0.0
    seen: float = 0.0

    @property
    def share(self) -> float | None:
        """The share of right answers, None without any."""
        return self.right / self.seen if self.seen else None

    def shrunk(self, above: float, strength: float) -> float:
        """Return the share of right answers, shrunk towards the level `above`."""
        return (self.right + strength * above) / (self.seen + strength)

    def plus(self, right: float, seen: float = 1.0) -> Tried:
        """Return the sum with further answers."""
        return Tried(right=self.right + right, seen=self.seen + seen)


NOTHING = Tried()


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerRecord:
    """A model's answers so far, by kind of question and by the label of the type of task.

    `offsets` are added to its vote, by kind of question and for all (empty); `usual` is the mean `length` of
    its answers.
    """

    prior: float = BASE
    by_kind: Mapping[str, Tried] = field(default_factory=dict)
    by_task: Mapping[str, Tried] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)

    def right(self, question: QuestionTraits) -> float:
        """Return the probability that its answer is right."""
        whole = Tried(
            right=sum(each.right for each in self.by_task.values()),
            seen=sum(each.seen for each in self.by_task.values()),
        )
        above = whole.shrunk(self.prior, PRIOR_STRENGTH)
        above = self.by_task.get(question.task.label, NOTHING).shrunk(above, STRENGTH)
        return self.by_kind.get(question.kind, NOTHING).shrunk(above, STRENGTH)

    @property
    def graded(self) -> float:
        """The number of answers it rests on."""
        return sum(each.seen for each in self.by_task.values())

    def offset(self, kind: str) -> float:
        """Return what is added to its vote on a question of this kind."""
        return self.offsets.get("", 0.0) + self.offsets.get(kind, 0.0)


UNKNOWN = AnswerRecord()


@dataclass(frozen=True, kw_only=True, slots=True)
class Likelihood:
    """The probability that a group of equal answers is right; `places` are those of its members.

    `terms` are its utility less that of the likeliest alternative (another group, or that none is right), by
    reason: what speaks for it and what against. `judged` is what else adds to its utility, as a judge does.
    """

    places: tuple[int, ...]
    right: float
    terms: Mapping[Reason, float]
    judged: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Posterior:
    """What is believed once `answers` are there. The probabilities of the groups and of `none` sum to 1."""

    groups: tuple[Likelihood, ...]
    none: float
    answers: tuple[ReadAnswer, ...]

    @property
    def best(self) -> Likelihood:
        """The likeliest group; of equals the one that was named first."""
        return max(self.groups, key=lambda group: group.right)

    def with_right(self, group: Likelihood, right: float) -> Posterior:
        """Return the posterior in which `group` is right with this probability; the others share the rest."""
        rest = (1 - right) / max(1 - group.right, TINY)
        judged = group.judged + _log_odds(right) - _log_odds(group.right)
        groups = tuple(
            replace(each, right=right, judged=judged)
            if each is group
            else replace(each, right=each.right * rest)
            for each in self.groups
        )
        return replace(self, groups=groups, none=max(0.0, 1 - sum(each.right for each in groups)))

    @property
    def voters(self) -> int:
        """The number of answers that are in a group."""
        return sum(len(group.places) for group in self.groups)

    def of(self, place: int) -> Likelihood | None:
        """Return the group of an answer, None for one that says nothing that can be compared."""
        return next((group for group in self.groups if place in group.places), None)


def logit(probability: float) -> float:
    """Return the log-odds of a probability, which is bounded before."""
    bounded = min(max(probability, LEAST), MOST)
    return math.log(bounded / (1 - bounded))


def _log_odds(probability: float) -> float:
    return math.log(max(probability, TINY) / max(1 - probability, TINY))


def form_key(kind: str, number: int) -> str:
    """Return by what coefficients of form are kept for so many answers: one alone is another matter."""
    return kind if number > 1 else f"{kind}/alone"


def form_value(learned: Mapping[Form, float], answer: ReadAnswer) -> float:
    """Return what its form adds to the utility of an answer, and of the group that begins with it."""
    return sum(learned.get(form, 0.0) * each for form, each in answer.form.items()) if learned else 0.0


def best_form_value(learned: Mapping[Form, float]) -> float:
    """Return the most that the form of an answer which is not there yet may add."""
    most = {**dict.fromkeys(Form, 1.0), Form.NONE: 0.0, Form.LENGTH: LONGEST_FORM}
    return sum(max(0.0, coefficient * most[form]) for form, coefficient in learned.items())


def _shares(reasons: Sequence[Mapping[Reason, float]], judged: Sequence[float] = ()) -> list[float]:
    """Return the probabilities of alternatives from their utilities by reason and what else adds to them."""
    added = [*judged, *([0.0] * (len(reasons) - len(judged)))]
    utilities = [sum(each.values()) + more for each, more in zip(reasons, added, strict=True)]
    highest = max(utilities)
    odds = [math.exp(each - highest) for each in utilities]
    return [each / sum(odds) for each in odds]


def _predicted(outcomes: Sequence[Sequence[float]], today: Sequence[float]) -> list[float]:
    """Return how likely it is that one more answer joins each group, or, last, makes one of its own.

    Each of the `outcomes` is what would be believed of today's groups then. On average over what may be
    answered a belief does not change (it is a martingale, Doob 1949): their mean, each by its chance, is what
    is believed `today`. Chances below 0, where the belief contradicts itself, are set to 0.
    """
    import numpy as np  # noqa: PLC0415  # loaded when it is first needed, not at a start

    means = np.array([*zip(*(each[: len(today)] for each in outcomes), strict=True), [1.0] * len(outcomes)])
    chances = np.linalg.lstsq(means, np.array([*today, 1.0]), rcond=None)[0].clip(min=0.0)
    return [float(each) for each in chances / chances.sum()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Belief:
    """What is believed of models and of agreement; immutable.

    `kinds` are answers of all models by kind of question. `seeming` are records that count what others agreed
    on, too, see `expected`. `hedging_kinds` are those in which hedging counts; None: wherever a question asks
    for a form of answer. `forms` are coefficients of the form of answers, by `form_key`, for the kinds that a
    team has graded answers to.
    """

    coefficients: Mapping[Term, float]
    records: Mapping[str, AnswerRecord] = field(default_factory=dict)
    kinds: Mapping[str, Tried] = field(default_factory=dict)
    seeming: Mapping[str, AnswerRecord] = field(default_factory=dict)
    hedging_kinds: frozenset[str] | None = None
    forms: Mapping[str, Mapping[Form, float]] = field(default_factory=dict)

    def before(self, question: QuestionTraits, model: str) -> float:
        """Return the probability that a model's answer will be right."""
        return self.records.get(model, UNKNOWN).right(question)

    def expected(self, question: QuestionTraits, model: str) -> float:
        """Return the probability that a model's answer will be right, to order the models by that are asked.

        What others agree on counts here: it is evidence of which model is better. In `before` it does not:
        what is believed of an agreement would be evidence for itself.
        """
        return (self.seeming.get(model) or self.records.get(model, UNKNOWN)).right(question)

    def best(self, question: QuestionTraits, models: Sequence[str]) -> str:
        """Return the model that is expected to be right most often; of equals the first."""
        return max(models, key=lambda name: self.expected(question, name))

    def has_records(self, models: Sequence[str]) -> bool:
        """Return whether enough answers of these models were graded for a vote to go by it."""
        graded = sum(self.records.get(model, UNKNOWN).graded for model in models)
        return graded >= FEWEST_GRADED * len(models)

    def after(self, question: QuestionTraits, answers: Sequence[ReadAnswer]) -> Posterior:
        """Return the posterior over the groups of equal answers.

        A single answer is a group; where several cannot be compared there is no group.
        """
        groups = answer_groups(answers)
        reasons = self._by_reason(question, answers, groups)
        shares, found = _shares(reasons), []
        for place, group in enumerate(groups):
            rival = max((each for each in range(len(shares)) if each != place), key=shares.__getitem__)
            terms = {each: reasons[place][each] - reasons[rival][each] for each in Reason}
            found.append(Likelihood(places=group, right=shares[place], terms=terms))
        return Posterior(groups=tuple(found), none=shares[-1], answers=tuple(answers))

    def terms(
        self, question: QuestionTraits, answers: Sequence[ReadAnswer], groups: Groups
    ) -> list[dict[Term, float]]:
        """Return the values of the terms of each group, and last those of "none of these is right"."""
        records = {
            place: logit(self.before(question, answers[place].model)) for group in groups for place in group
        }
        hedges, largest = self._hedges(question), max(map(len, groups), default=0)
        found = [
            {
                Term.VOTE: float(len(group)),
                Term.RECORD: sum(records[place] for place in group),
                Term.HEDGING: hedges * sum(answers[place].hedging for place in group),
                Term.ALIKE: float(len(group) > 1),
                Term.SIZE: math.log(len(group)),
                Term.LARGEST: float(len(group) == largest),
            }
            for group in groups
        ]
        voters, number = [answers[place] for place in records], max(1, len(records))
        above = self.kinds.get("", NOTHING).shrunk(BASE, PRIOR_STRENGTH)
        none = {
            Term.NONE: 1.0,
            Term.ALONE: float(len(voters) == 1),
            Term.PANEL: math.log(number),
            Term.SPREAD: len(groups) / number,
            Term.LEAD: largest / number,
            Term.RECORDS: sum(records.values()) / number,
            Term.KIND: logit(self.kinds.get(question.kind, NOTHING).shrunk(above, STRENGTH)),
            Term.LENGTHS: sum(self._longer(question, each) for each in voters) / number,
            Term.HEDGES: hedges * sum(each.hedging for each in voters) / number,
            Term.QUESTION: question.length,
        }
        return [*found, none]

    def _hedges(self, question: QuestionTraits) -> bool:
        """Return whether hedging is a sign of doubt in answers to a question."""
        return question.closed and (self.hedging_kinds is None or question.kind in self.hedging_kinds)

    def _longer(self, question: QuestionTraits, one: ReadAnswer) -> float:
        """Return how much longer an answer is than is usual for its model, as a bounded log-ratio."""
        usual = self.records.get(one.model, UNKNOWN).usual
        known = usual.get(question.kind, usual.get(""))
        return 0.0 if known is None else min(max(one.length - known, -1.5), 1.5)

    def _by_reason(
        self, question: QuestionTraits, answers: Sequence[ReadAnswer], groups: Groups
    ) -> list[dict[Reason, float]]:
        """Return the utilities of the groups and of "none of these is right", last, each by reason.

        The offsets of models are part of what is expected of them, the form of an answer of its manner. A
        recomputed result speaks for the group that says so, or for none of them: no coefficient of the others
        is learned with it.
        """
        learned = self._forms(question, len(answers))
        forms = [*(form_value(learned, answers[group[0]]) for group in groups), learned.get(Form.NONE, 0.0)]
        offsets = [*self.offsets(question, answers, groups), 0.0]
        found = []
        for values, offset, form in zip(self.terms(question, answers, groups), offsets, forms, strict=True):
            sums = dict.fromkeys(Reason, 0.0)
            sums[Reason.RECORD] += offset
            sums[Reason.MANNER if Term.NONE not in values else Reason.HARDNESS] += form
            for term, value in values.items():
                sums[REASONS[term]] += self.coefficients.get(term, 0.0) * value
            found.append(sums)
        confirmed = self._confirmed(question, answers, groups)
        if confirmed is not None:
            found[confirmed][Reason.RECOMPUTED] = RECOMPUTED
        return found

    def _confirmed(
        self, question: QuestionTraits, answers: Sequence[ReadAnswer], groups: Groups
    ) -> int | None:
        """Return the place of the alternative that a recomputed result speaks for, None without a result."""
        if question.result is None:
            return None
        says = [answers[group[0]].says(question.result) for group in groups]
        return says.index(True) if True in says else None if None in says else len(groups)

    def utility(self, values: Mapping[Term, float]) -> float:
        """Return the sum of the terms, each by its coefficient."""
        return sum(self.coefficients.get(term, 0.0) * value for term, value in values.items())

    def offsets(self, question: QuestionTraits, answers: Sequence[ReadAnswer], groups: Groups) -> list[float]:
        """Return what the offsets of their models add to the utility of each group."""
        return [
            sum(self.records.get(answers[place].model, UNKNOWN).offset(question.kind) for place in group)
            for group in groups
        ]

    def _forms(self, question: QuestionTraits, number: int) -> Mapping[Form, float]:
        return self.forms.get(form_key(question.kind, number), {})

    def is_final(self, question: QuestionTraits, answers: Sequence[ReadAnswer], left: Sequence[str]) -> bool:
        """Return whether the likeliest group stays it, whatever the models that are `left` answer, if at all.

        Each may join any group or make one of its own. The least utility that the likeliest can end with is
        compared with the most of every other one, and of a new one. What they have in common does not count.
        A group stays a group where it and another answer can be compared, whatever follows.
        """
        posterior = self.after(question, answers)
        if not posterior.groups:
            return False
        compared = comparable_places(answers)
        if left and (len(compared) == 1 or not compared.issuperset(posterior.best.places)):
            return False
        votes = [(self._vote(question, model), self._doubted(question, model, 1.0)) for model in left]
        learned = self._forms(question, len(answers) + len(left))
        lowers, raises = sum(min(0.0, *each) for each in votes), sum(max(0.0, *each) for each in votes)
        best = posterior.best.places
        known = {place for group in posterior.groups for place in group.places}
        others = [group.places for group in posterior.groups if group.places != best]
        others += [(place,) for place in range(len(answers)) if place not in known]

        confirmed = None
        if (result := question.result) is not None:  # where no answer says so, a new one may
            confirmed = next((group for group in (best, *others) if answers[group[0]].says(result)), ())

        def utilities(group: tuple[int, ...]) -> list[float]:
            members = [answers[place] for place in group]
            base = form_value(learned, members[0]) if members else best_form_value(learned)
            if confirmed == group:
                base += RECOMPUTED
            base += sum(self._doubted(question, each.model, each.hedging) for each in members)
            sizes = range(max(1, len(group)), len(group) + len(left) + 1)
            return [
                base + self.coefficients.get(Term.SIZE, 0.0) * math.log(size) + alike + largest
                for size in sizes
                for alike in [self.coefficients.get(Term.ALIKE, 0.0) if size > 1 else 0.0]
                for largest in (0.0, self.coefficients.get(Term.LARGEST, 0.0))
            ]

        rivals = [*others, ()] if left else others
        least = min(utilities(best)) + lowers
        return all(least > max(utilities(rival)) + raises + MARGIN for rival in rivals)

    def worth(self, posterior: Posterior, question: QuestionTraits, model: str) -> float:
        """Return by how much asking `model`, too, is expected to raise the probability of a right answer.

        The expected value of sample information (Raiffa and Schlaifer 1961): the model joins a group or makes
        a new one, and the likeliest group after that is compared with today's likeliest, in the belief as it
        will be then; see `_predicted` for how likely each of these is.
        """
        if not posterior.groups:
            known = max((self.before(question, each.model) for each in posterior.answers), default=0.0)
            return self.before(question, model) * (1 - known)
        groups = [group.places for group in posterior.groups]
        if self._confirmed(question, posterior.answers, tuple(groups)) == len(groups):
            return self.before(question, model) * (1 - posterior.best.right)
        leader = groups.index(posterior.best.places)
        usual = self.records.get(model, UNKNOWN).usual
        # a new answer looks like the leading one, as far as forms count
        added = replace(posterior.answers[groups[leader][0]], model=model, hedging=0.0)
        added = replace(added, length=usual.get(question.kind, usual.get("", added.length)))
        answers, place = (*posterior.answers, added), len(posterior.answers)
        judged, outcomes = [group.judged for group in posterior.groups], []
        for at, joined in enumerate([*((*group, place) for group in groups), (place,)]):
            following = (*groups[:at], joined, *groups[at + 1 :])
            outcomes.append(_shares(self._by_reason(question, answers, following), judged)[:-1])
        chances = _predicted(outcomes, [group.right for group in posterior.groups])
        gains = [chance * (max(each) - each[leader]) for chance, each in zip(chances, outcomes, strict=True)]
        return max(0.0, sum(gains))

    def _doubted(self, question: QuestionTraits, model: str, hedging: float) -> float:
        """Return what a vote of the model adds that hedges so much."""
        doubt = self.coefficients.get(Term.HEDGING, 0.0) * self._hedges(question) * hedging
        return self._vote(question, model) + doubt

    def _vote(self, question: QuestionTraits, model: str) -> float:
        """Return what a plain vote of the model adds to the utility of its group."""
        own = self.records.get(model, UNKNOWN).offset(question.kind)
        record = self.coefficients.get(Term.RECORD, 0.0) * logit(self.before(question, model))
        return self.coefficients.get(Term.VOTE, 0.0) + record + own
