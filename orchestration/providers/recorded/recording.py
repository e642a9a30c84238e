"""A recording as models see it: questions and answers, nothing of what was right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from orchestration.engine.evaluation.items import Item, RecordedAnswer, same_words
from orchestration.engine.types import ModelSpec, Tier
from orchestration.providers.prices import family_of
from orchestration.providers.recorded.pricing import recovered_prices

PROVIDER = "recorded"
LARGE, SMALL = 2, 0.5  # dollars per million tokens, in and out on average
LONGEST_ANSWER = 1_000_000


class Recording:
    """Items with their answers, found by what was asked."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = tuple(items)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models that it has any text of, in alphabetical order."""
        return tuple(sorted({model for item in self.items for model in item.answers if item.holds(model)}))

    @cached_property
    def _asked(self) -> Mapping[str, tuple[Item, ...]]:
        found: dict[str, list[Item]] = {}
        for item in self.items:
            found.setdefault(same_words(item.prompt), []).append(item)
        return {prompt: tuple(items) for prompt, items in found.items()}

    def find(self, model: str, asked: str) -> tuple[tuple[Item, RecordedAnswer], ...]:
        """Return what `model` answered when `asked` this, white space aside: once for each time."""
        items = self._asked.get(same_words(asked), ())
        return tuple((item, item.answers[model]) for item in items if item.holds(model))

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
            family=family_of(model),
            context_window=LONGEST_ANSWER,
            max_output_tokens=LONGEST_ANSWER,
            prices=prices,
            tier=tier_of(mean),
        )


def tier_of(dollars: float | None) -> Tier:
    """Return the tier that a price stands for, the middle one without any."""
    if dollars is None or SMALL <= dollars < LARGE:
        return Tier.MEDIUM
    return Tier.SMALL if dollars < SMALL else Tier.LARGE
