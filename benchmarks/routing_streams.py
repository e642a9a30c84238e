"""Streams of recorded questions that a router answers one by one, learning only from what it chose.

Each stream draws questions with replacement. The arms are the panel's models, voting by belief and a cascade
over the panel, with the belief that ships and the records of the questions graded so far, read anew now and
then (`REFRESHED`). Of each answer the router sees the cost; a share `GRADED` of questions is graded against
the reference, of the others it sees the posteriors of panels, at less weight. No latency was recorded:
seconds count nothing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import count
from math import exp, log
from pathlib import Path
from random import Random

from benchmarks.recorded_answers import MIXED, panels
from orchestration.evaluation.engine.coefficients import fit_coefficients
from orchestration.llm.engine.types import ModelSpec
from orchestration.llm.providers.recorded.loading import load_recordings
from orchestration.routing.engine.arms import (
    WEIGHTS,
    Arm,
    Result,
    ResultSource,
    RouterContext,
    Utility,
)
from orchestration.routing.engine.learning import Increment, RouterState, increments, predictions
from orchestration.routing.engine.predicting import ModelOutlook, PanelWork, expected_of
from orchestration.routing.engine.router import Exploration, propensities
from orchestration.strategies.engine.belief.fitting import ReadExample, with_records
from orchestration.strategies.engine.belief.model import Belief
from orchestration.strategies.engine.belief.reading import (
    QuestionTraits,
    ReadAnswer,
    question_traits,
    read_text,
)
from orchestration.strategies.engine.belief.shipped import belief_of_team
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.lengths import length_beside_usual
from orchestration.strategies.engine.profiles import usual_length

DRAWS, DECIDED_TOGETHER = 5_000, 50
"""Draws of a stream, and decisions made from one state of the router."""
REFRESHED = frozenset({50, 100, 200, 400, 800, 1_600, 3_200})
"""Draws after which records are read anew; the product does so after each."""
GRADED = 0.5
FIRST = 2
"""Models that a cascade begins with. Those that follow see the hard questions alone, which says nothing of
how good they are otherwise: nothing is learned of them."""
READ_TOKENS = 100
"""Tokens of a question in what is expected at first."""
MOST_FITTED = 1_000
"""Graded questions that coefficients are fitted from, as in the product."""
PRIOR_WEIGHT = 4.0
"""Answers that what is usual before any was seen is worth."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A recorded question with the panel's answers, which are right, what each cost, and its tokens."""

    number: int
    traits: QuestionTraits
    answers: Sequence[ReadAnswer]
    right: Sequence[bool]
    costs: Sequence[float]
    tokens: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The questions of a stream.

    `order` is that of the models by price, `usual` the tokens and the US dollars of an answer of each before
    any was seen.
    """

    name: str
    models: Sequence[str]
    questions: Sequence[Question]
    specs: Sequence[ModelSpec]
    order: Sequence[int]
    usual: Sequence[tuple[int, float]]
    belief: Belief


@dataclass(kw_only=True)
class Usual:
    """What answers of each model have been like: their number, tokens (sums of logarithms), US dollars."""

    before: Sequence[tuple[int, float]]
    seen: dict[int, tuple[int, float, float]] = field(default_factory=dict)

    def add(self, model: int, tokens: int, cost_usd: float) -> None:
        """Count one more answer."""
        number, logs, cost = self.seen.get(model, (0, 0.0, 0.0))
        self.seen[model] = (number + 1, logs + log(max(1, tokens)), cost + cost_usd)

    def tokens(self, model: int) -> int:
        """Return the tokens of a usual answer."""
        number, logs, _ = self.seen.get(model, (0, 0.0, 0.0))
        return round(exp((PRIOR_WEIGHT * log(self.before[model][0]) + logs) / (PRIOR_WEIGHT + number)))

    def cost_usd(self, model: int) -> float:
        """Return what an answer costs on average."""
        number, _, cost = self.seen.get(model, (0, 0.0, 0.0))
        return (PRIOR_WEIGHT * self.before[model][1] + cost) / (PRIOR_WEIGHT + number)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an arm made of a question: right or not, cost, and what the belief says of each model asked.

    `chosen` is the place of a model that gave the answer.
    """

    right: float
    cost_usd: float
    estimate: float
    chosen: int
    asked: Sequence[int]
    estimates: Sequence[float | None]


@dataclass(kw_only=True)
class Played:
    """The utility of each draw, of the arm chosen and of each model; how often each arm was chosen."""

    chosen: list[float] = field(default_factory=list)
    singles: list[list[float]] = field(default_factory=list)
    picks: dict[str, int] = field(default_factory=dict)


def traffic(folder: Path, panel: str, *, recompute: bool = False) -> Traffic:
    """Read the recordings of a panel, and what code in the questions comes to if that is wanted."""
    models = panels(folder)[panel]
    files = ("mmlu_pro_text",) if panel == "mmlu11" else MIXED
    data = load_recordings([folder / f"{name}.dev.jsonl.gz" for name in files])
    specs = [data.recording.spec(name) for name in models]
    belief = belief_of_team(specs, {})
    prices = [
        float(spec.prices.output_per_million + spec.prices.input_per_million) if spec.prices else 0.0
        for spec in specs
    ]
    return Traffic(
        name=panel,
        models=models,
        specs=specs,
        questions=list(_questions(folder, files, models, recompute=recompute)),
        order=sorted(range(len(models)), key=lambda place: prices[place]),
        usual=[
            (length, price * length / 1e6)
            for spec, price in zip(specs, prices, strict=True)
            for length in [usual_length(spec, TaskType.REASONING, READ_TOKENS, ())]
        ],
        belief=belief,
    )


def arms_of(stream: Traffic, rights: Sequence[float], costs: Sequence[float]) -> list[Arm]:
    """Return the arms: models first, then the vote and the cascade, with what the product expects of each.

    `rights` are the models' probabilities of a right answer, `costs` US dollars of a usual one.
    """
    models = stream.models
    outlooks = [
        ModelOutlook(name=name, right=right, cost_usd=cost, seconds=0.0)
        for name, right, cost in zip(models, rights, costs, strict=True)
    ]
    cheap = tuple(outlooks[place] for place in stream.order)
    works = (
        ("voting", PanelWork(first=tuple(outlooks))),
        ("cascade", PanelWork(first=cheap[:FIRST], rest=cheap[FIRST:])),
    )
    singles = [
        Arm(ref=f"model/{name}", models=(name,), prior=outlook.expected)
        for name, outlook in zip(models, outlooks, strict=True)
    ]
    first = tuple(f"model/{each.name}" for each in cheap[:FIRST])
    shows = {"voting": (*(each.ref for each in singles), "strategy/cascade"), "cascade": first}
    return singles + [
        Arm(ref=f"strategy/{ref}", models=tuple(models), prior=expected_of(work), shows=shows[ref])
        for ref, work in works
    ]


def _questions(
    folder: Path, files: Sequence[str], models: Sequence[str], *, recompute: bool
) -> Iterator[Question]:
    numbers = count()
    for name in files:
        with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            for recorded in map(json.loads, lines):
                by_model = {each["model"]: each for each in recorded["answers"]}
                answers = [by_model.get(model, {}) for model in models]
                needed = ("text", "correct", "cost_usd", "tokens")
                if any(each.get(key) is None for each in answers for key in needed):
                    continue
                prompt = recorded["prompt"]
                yield Question(
                    number=next(numbers),
                    traits=question_traits(prompt, recompute=recompute),
                    answers=[read_text(each["model"], each["text"], prompt) for each in answers],
                    right=[each["correct"] for each in answers],
                    costs=[each["cost_usd"] for each in answers],
                    tokens=[each["tokens"] for each in answers],
                )


def cascaded(belief: Belief, question: Question, stream: Traffic, utility: Utility, usual: Usual) -> Answered:
    """Return what the cascade makes of a question.

    It begins with the cheapest models and goes on while one of those left is worth its price, with the one
    that adds most for its price.
    """
    number, asked = len(question.answers), list(stream.order[:FIRST])
    costs = [usual.cost_usd(place) for place in range(number)]
    lengths = [usual.tokens(place) for place in range(number)]
    while left := [place for place in range(number) if place not in asked]:
        posterior = belief.after(question.traits, [question.answers[place] for place in asked])
        gains = {place: belief.worth(posterior, question.traits, stream.models[place]) for place in left}
        longer = length_beside_usual((question.tokens[place], lengths[place]) for place in asked)
        needed = {place: utility.per_dollar * longer * costs[place] for place in left}
        if all(gains[place] <= needed[place] for place in left):
            break
        asked.append(max(left, key=lambda place: gains[place] / needed[place]))
    return _outcome(belief, question, asked)


def _outcome(belief: Belief, question: Question, places: Sequence[int]) -> Answered:
    posterior = belief.after(question.traits, [question.answers[place] for place in places])
    cost = sum(question.costs[place] for place in places)
    groups = [posterior.of(at) for at in range(len(places))]
    estimates = [None if group is None else group.right for group in groups]
    if not posterior.groups:
        first = float(question.right[places[0]])
        return Answered(
            right=first, cost_usd=cost, estimate=0.5, chosen=places[0], asked=places, estimates=estimates
        )
    best = posterior.best
    right = 2 * sum(question.right[places[at]] for at in best.places) > len(best.places)
    return Answered(
        right=float(right),
        cost_usd=cost,
        estimate=best.right,
        chosen=places[best.places[0]],
        asked=places,
        estimates=estimates,
    )


@dataclass(kw_only=True)
class Player:
    """Plays one stream; `policy` is "auto", "random" or "task" (the best model so far by type of task)."""

    traffic: Traffic
    utility: Utility
    explore: Exploration
    seed: int
    policy: str = "auto"
    belief: Belief = field(init=False)
    usual: Usual = field(init=False)
    arms: dict[str, Sequence[Arm]] = field(default_factory=dict)
    state: RouterState = field(default_factory=RouterState)
    graded: list[ReadExample] = field(default_factory=list)
    several: dict[int, ReadExample] = field(default_factory=dict)
    shares: dict[object, Sequence[float]] = field(default_factory=dict)
    by_task: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.belief, self.usual = self.traffic.belief, Usual(before=self.traffic.usual)

    def play(self, draws: int = DRAWS) -> Played:
        """Answer so many questions and return what came of it."""
        played, usual = Played(), deepcopy(self.usual)
        # questions are the same for all policies; repeatable, guards nothing
        drawn, random = Random(self.seed), Random(f"{self.seed}/{self.policy}")
        known: dict[tuple[int, int], Answered] = {}
        vote, cascade = len(self.traffic.models), len(self.traffic.models) + 1
        for number in range(draws):
            if number in REFRESHED and self.graded:
                self.belief = self._learned()
                known.clear()
                self.arms.clear()
                usual = deepcopy(self.usual)
            if number % DECIDED_TOGETHER == 0:
                self.shares.clear()
            place = drawn.randrange(len(self.traffic.questions))
            question = self.traffic.questions[place]
            arm = self._choose(question, random)
            for each in {arm, cascade} if arm == vote else {arm}:
                if (place, each) in known:
                    continue
                if each == cascade:
                    known[place, each] = cascaded(self.belief, question, self.traffic, self.utility, usual)
                else:
                    known[place, each] = _outcome(
                        self.belief, question, range(vote) if each == vote else [each]
                    )
            result = known[place, arm]
            beside = known.get((place, cascade)) if arm == vote else None
            for model in result.asked:
                self.usual.add(model, question.tokens[model], question.costs[model])
            self._learn(question, arm, result, beside, graded=random.random() < GRADED)
            played.chosen.append(self.utility.value(result.right, result.cost_usd, 0.0))
            played.singles.append(
                [
                    self.utility.value(float(right), cost, 0.0)
                    for right, cost in zip(question.right, question.costs, strict=True)
                ]
            )
            ref = self._arms(question)[arm].ref
            played.picks[ref] = played.picks.get(ref, 0) + 1
        return played

    def _learned(self) -> Belief:
        """Return the belief with the records so far, and with coefficients of its own once they are better.

        These are learned as the product does: from questions that several models answered, each once.
        """
        belief = self.traffic.belief
        if self.policy == "auto":
            fitted = fit_coefficients(list(self.several.values())[-MOST_FITTED:], belief)
            if fitted is not None and fitted.is_better:
                belief = belief_of_team(self.traffic.specs, {}, fitted.document)
        return with_records(belief, self.graded)

    def _choose(self, question: Question, random: Random) -> int:
        arms = range(len(self._arms(question)))
        if self.policy == "random":
            return random.choice(arms)
        if self.policy == "task":
            return self._by_task(question, random)
        context = replace(RouterContext.from_traits(question.traits), length=0.0)
        if context not in self.shares:
            expected = predictions(self.state, context, self._arms(question))
            values = [self.utility.expected(each) for each in expected]
            self.shares[context] = propensities(self._arms(question), expected, values, self.explore)
        return random.choices(arms, weights=self.shares[context])[0]

    def _arms(self, question: Question) -> Sequence[Arm]:
        """Return the arms with what records say of them for this kind of question."""
        if question.traits.kind not in self.arms:
            models = self.traffic.models
            rights = [self.belief.before(question.traits, name) for name in models]
            costs = [self.usual.cost_usd(place) for place in range(len(models))]
            self.arms[question.traits.kind] = arms_of(self.traffic, rights, costs)
        return self.arms[question.traits.kind]

    def _by_task(self, question: Question, random: Random) -> int:
        """Choose the model of the best mean with this type of task, one in ten at random."""
        models = range(len(self.traffic.models))
        if random.random() < 0.1:
            return random.choice(models)
        task = question.traits.task.value

        def mean(model: int) -> float:
            seen = self.by_task.get((task, model), [])
            known = self._arms(question)[model].prior
            prior = self.utility.value(known.quality, known.cost_usd, 0.0)
            return (sum(seen) + 4 * prior) / (len(seen) + 4)

        return max(models, key=mean)

    def _learn(
        self, question: Question, arm: int, result: Answered, beside: Answered | None, *, graded: bool
    ) -> None:
        """Learn from a result, and from what the cascade would have made of the answers to a vote."""
        if self.policy != "auto":
            if graded:
                value = self.utility.value(result.right, result.cost_usd, 0.0)
                self.by_task.setdefault((question.traits.task.value, arm), []).append(value)
            return
        context = RouterContext.from_traits(question.traits)
        is_panel = arm >= len(self.traffic.models)
        weight = 1.0 if graded else WEIGHTS[ResultSource.POSTERIOR] if is_panel else 0.0
        asked = result.asked[: FIRST if arm > len(self.traffic.models) else None]
        changes: list[Increment] = []
        for place, quality, cost in shown(question, arm, result, beside, graded=graded):
            if quality is not None:
                brought = Result(quality=quality, cost_usd=cost, seconds=0.0, weight=weight)
                changes += increments(context, self._arms(question)[place].ref, brought)
        self.state = self.state.after(changes)
        if graded:
            example = ReadExample(
                question=question.traits,
                answers=tuple(question.answers[model] for model in asked),
                right=tuple(question.right[model] for model in asked),
            )
            self.graded.append(example)
            before = self.several.get(question.number)
            if len(asked) > (len(before.answers) if before is not None else 1):
                self.several[question.number] = example


def shown(
    question: Question, arm: int, result: Answered, beside: Answered | None, *, graded: bool
) -> Iterator[tuple[int, float | None, float]]:
    """Yield the arms of which a result shows something, with their quality and cost.

    Of the models of a panel those that are asked in any case; the quality is None where nothing is believed.
    """
    yield arm, result.right if graded else result.estimate, result.cost_usd
    for at, model in enumerate(result.asked[: FIRST if arm > len(question.answers) else None]):
        if model != arm:
            right = float(question.right[model]) if graded else result.estimates[at]
            yield model, right, question.costs[model]
    if beside is not None:
        yield arm + 1, beside.right if graded else result.estimates[beside.chosen], beside.cost_usd


def hindsight(played: Played, models: Sequence[str]) -> tuple[str, Sequence[float]]:
    """Return the model that would have been best alone, and its utility at each draw."""
    totals = [sum(column) for column in zip(*played.singles, strict=True)]
    best = max(range(len(models)), key=totals.__getitem__)
    return models[best], [each[best] for each in played.singles]


def shares(picks: Mapping[str, int], most: int = 3) -> str:
    """Name the arms that were chosen most, with their shares."""
    total = sum(picks.values())
    ordered = sorted(picks.items(), key=lambda pair: -pair[1])[:most]
    return ", ".join(f"{ref.partition('/')[2]} {number / total:.0%}" for ref, number in ordered)
