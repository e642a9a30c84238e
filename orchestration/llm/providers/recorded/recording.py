"""A recording: questions with their answers, the prices that its costs imply, and separately the labels.

Strategies, models and panels are made from `Item` and `Recording` alone. Only scoring and training examples
read a `Label`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from orchestration.llm.engine.price_table import model_family
from orchestration.llm.engine.types import MILLION, ModelSpec, Prices, Tier

PROVIDER = "recorded"
LARGE, SMALL = 2, 0.5  # dollars per million tokens, in and out on average
LONGEST_ANSWER = 1_000_000
PRICE_PLACES = Decimal("0.000001")
DEGENERATE = 1e-9
NEAR = Decimal("0.0005")
"""A price of three digits is preferred when it differs by less than this proportion."""
TokensAndCost = tuple[int, int, Decimal]
"""Tokens of the prompt, tokens of the answer, US dollars."""


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """The identity of a recorded question."""

    dataset: str
    item: str
    turn: int = 0

    def __str__(self) -> str:
        return f"{self.dataset}/{self.item}" + (f"/{self.turn}" if self.turn else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedAnswer:
    """A recorded answer; None where the recording has no value. `cost_usd` is at the price of its time."""

    text: str | None = None
    tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A question with the recorded answers by model."""

    key: ItemKey
    prompt: str
    task_type: str = ""
    prompt_tokens: int | None = None
    answers: Mapping[str, RecordedAnswer] = field(default_factory=dict)

    def has_answer(self, model: str) -> bool:
        """Return whether there is a text of `model`, even an empty one."""
        answer = self.answers.get(model)
        return answer is not None and answer.text is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLabel:
    """The label of an answer: whether it is right, a score, the final answer extracted from it."""

    correct: bool | None = None
    score: float | None = None
    extracted: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """The label of a question: the right answer, and the labels of the answers by model."""

    reference: str | None = None
    answers: Mapping[str, AnswerLabel] = field(default_factory=dict)

    def correct(self, model: str) -> bool | None:
        """Return whether `model` was right, None where that is not labelled."""
        answer = self.answers.get(model)
        return None if answer is None else answer.correct


def same_words(text: str) -> str:
    """Return `text` with all white space as single blanks, for comparing prompts."""
    return " ".join(text.split())


class Recording:
    """Items with their answers, found by their prompt; it knows nothing of labels."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = tuple(items)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that it has any text of, in alphabetical order."""
        return tuple(
            sorted({model for item in self.items for model in item.answers if item.has_answer(model)})
        )

    @cached_property
    def _asked(self) -> Mapping[str, tuple[Item, ...]]:
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(same_words(item.prompt), []).append(item)
        return {prompt: tuple(items) for prompt, items in found.items()}

    def find(self, model: str, asked: str) -> tuple[tuple[Item, RecordedAnswer], ...]:
        """Return what `model` answered when `asked` this, white space aside: once for each time."""
        items = self._asked.get(same_words(asked), ())
        return tuple((item, item.answers[model]) for item in items if item.has_answer(model))

    def spec(self, model: str, *, provider: str = PROVIDER) -> ModelSpec:
        """Describe a model of the recording, with the list price that its recorded costs show."""
        answers = [(item.prompt_tokens, answer) for item in self.items if (answer := item.answers.get(model))]
        prices = recovered_prices(
            (given, answer.tokens, answer.cost_usd)
            for given, answer in answers
            if given is not None and answer.tokens is not None and answer.cost_usd is not None
        )
        mean = None if prices is None else float(prices.input_per_million + prices.output_per_million) / 2
        return ModelSpec(
            name=model,
            provider=provider,
            remote_name=model,
            family=model_family(model),
            context_window=LONGEST_ANSWER,
            max_output_tokens=LONGEST_ANSWER,
            prices=prices,
            tier=price_tier(mean),
        )


def price_tier(dollars: float | None) -> Tier:
    """Return the tier for a price per million tokens, the middle one for None."""
    if dollars is None or SMALL <= dollars < LARGE:
        return Tier.MEDIUM
    return Tier.SMALL if dollars < SMALL else Tier.LARGE


def recovered_prices(rows: Iterable[TokensAndCost]) -> Prices | None:
    """Return the prices per million tokens that explain the costs best, None without costs.

    Least squares over both prices; where that gives a negative one, or prompts and answers always go
    together, one price for both.
    """
    known = list(rows)
    tokens = sum(given + made for given, made, _ in known)
    if not tokens:
        return None
    both = float(sum(cost for _, _, cost in known)) / tokens
    given, made = _least_squares(known) or (both, both)
    return Prices(input_per_million=_per_million(given), output_per_million=_per_million(made))


def _least_squares(rows: list[TokensAndCost]) -> tuple[float, float] | None:
    gg = float(sum(given * given for given, _, _ in rows))
    gm = float(sum(given * made for given, made, _ in rows))
    mm = float(sum(made * made for _, made, _ in rows))
    gc = sum(given * float(cost) for given, _, cost in rows)
    mc = sum(made * float(cost) for _, made, cost in rows)
    determinant = gg * mm - gm * gm
    if determinant <= DEGENERATE * gg * mm:
        return None
    prices = (gc * mm - mc * gm) / determinant, (mc * gg - gc * gm) / determinant
    return prices if min(prices) >= 0 else None


def _per_million(dollars: float) -> Decimal:
    """Return a price as a list would show it: the costs were rounded, so that the exact quotient is not."""
    exact = Decimal(repr(dollars)) * MILLION
    plain = Decimal(f"{exact:.3g}")
    return (plain if abs(plain - exact) <= exact * NEAR else exact).quantize(PRICE_PLACES)
