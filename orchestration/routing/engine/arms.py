"""What a router chooses between, for what, and by what measure: arms, contexts, results, utility.

Quality is 0 to 1, money float US dollars, time float seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestration.strategies.engine.belief.reading import QuestionTraits
from orchestration.strategies.engine.classification import TaskType

MIDDLE = 0.5
THOUSAND, POINT = 1_000, 0.01
"""Requests that prices are quoted for, and the quality that is one point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is expected of an arm before it was observed; `strength` counts the results that it is worth."""

    quality: float
    cost_usd: float
    seconds: float
    strength: float = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A method that could answer, with the names of the models that it may ask.

    `ref` is the kind of method and its name: "model/<name>", "strategy/<name>", "preset/<name>",
    "pipeline/<name>" or "session/<name>". `prior` is what is expected of it for the question at hand, `shows`
    are the arms of which its results teach, too.
    """

    ref: str
    models: tuple[str, ...]
    prior: Expected
    shows: tuple[str, ...] = ()


class Hardness(StrEnum):
    """How hard a question looks, in the classes that results are recorded by."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


HARD_FROM, EASY_BELOW = 0.5, 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class RouterContext:
    """What a router knows of a question.

    `kind` and `length` are those of `QuestionTraits`; `difficulty` is the probability that a weak model gets
    it wrong.
    """

    kind: str
    task: TaskType
    length: float
    difficulty: float = MIDDLE

    @classmethod
    def from_traits(cls, traits: QuestionTraits, difficulty: float = MIDDLE) -> RouterContext:
        """Return the context of a question with these traits."""
        return cls(kind=traits.kind, task=traits.task, length=traits.length, difficulty=difficulty)

    @property
    def hardness(self) -> Hardness:
        """The class of the difficulty."""
        if self.difficulty >= HARD_FROM:
            return Hardness.HARD
        return Hardness.EASY if self.difficulty < EASY_BELOW else Hardness.MEDIUM


class ResultSource(StrEnum):
    """What the quality of a result rests on."""

    RATING = "rating"
    EVALUATION = "evaluation"
    POSTERIOR = "posterior"


WEIGHTS = {ResultSource.RATING: 1.0, ResultSource.EVALUATION: 1.0, ResultSource.POSTERIOR: 0.1}
"""How many graded answers a result is worth: a posterior rests on the same belief as the prior.

It sees agreement, so that it is biased against a model that is right alone.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of a question: quality, and the weight of this estimate; cost and time, which are exact.

    A weight of 0 leaves the quality unlearned, for instance where nothing judged the answer.
    """

    quality: float
    cost_usd: float
    seconds: float
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What is expected of an arm for a question: means, and the standard deviation of the mean quality.

    `evidence` is the weight of the results that the quality rests on, for questions of this kind.
    """

    ref: str
    quality: float
    deviation: float
    cost_usd: float
    seconds: float
    evidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Utility:
    """What quality, money and time are worth to one another; measured in quality.

    A dollar costs `per_dollar` of quality, a second `per_second`.
    """

    per_dollar: float
    per_second: float

    @classmethod
    def from_dial(cls, dial: float) -> Utility:
        """Return the utility at a dial between 0 (cheap and fast) and 1 (best).

        A point of quality is worth $0.03 per 1,000 requests at 0, $1 in the middle, $30 at 1; a second of
        waiting 0.3, 0.1 and 0.03 points.
        """
        bounded = min(max(dial, 0.0), 1.0)
        point_per_thousand = 10 ** (3 * bounded - 1.5)
        return cls(
            per_dollar=POINT * THOUSAND / point_per_thousand, per_second=POINT * 10 ** (-0.5 - bounded)
        )

    @property
    def point_per_thousand(self) -> float:
        """US dollars that one point of quality is worth in 1,000 requests."""
        return POINT * THOUSAND / self.per_dollar

    @property
    def sentence(self) -> str:
        """What the utility means, for a page."""
        return (
            f"One point of quality is worth ${self.point_per_thousand:,.2f} per 1,000 requests,"
            f" one second of waiting {self.per_second / POINT:.2f} points."
        )

    def value(self, quality: float, cost_usd: float, seconds: float) -> float:
        """Return the utility of a result or of what is expected."""
        return quality - self.per_dollar * cost_usd - self.per_second * seconds

    def expected(self, prediction: Prediction) -> float:
        """Return the expected utility of an arm."""
        return self.value(prediction.quality, prediction.cost_usd, prediction.seconds)
