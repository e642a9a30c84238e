"""What calls that were not made, or not finished, would have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from orchestration.engine.context.metering import price
from orchestration.engine.model import ChatModel, estimate_tokens
from orchestration.engine.types import Candidate, Prompt, Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Savings:
    """Estimates what calls would have cost, from the answers that are there."""

    prompt: Prompt
    answers: Sequence[Candidate]
    begun: AbstractSet[str] = frozenset()

    def of(self, models: Mapping[str, ChatModel]) -> str:
        """Return the estimated US dollars for the models (by step), empty when one of them has no price."""
        costs = [self._cost(step, model) for step, model in models.items()]
        known = [cost for cost in costs if cost is not None]
        return format(sum(known, Decimal(0)), "f") if costs and len(known) == len(costs) else ""

    def _cost(self, step: str, model: ChatModel) -> Decimal | None:
        """Price the answer it did not write, and the prompt where that had not been sent yet."""
        lengths = [answer.usage.output_tokens for answer in self.answers]
        expected = round(sum(lengths) / len(lengths)) if lengths else model.spec.max_output_tokens
        given = sum(estimate_tokens(message.content) for message in self.prompt.messages)
        usage = Usage(input_tokens=0 if step in self.begun else given, output_tokens=expected)
        return price(model.spec, usage)
