"""What a cascade would have made of the answers to a vote is what it makes of the same answers itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from orchestration.llm.engine.types import Completion, Prices, Usage
from orchestration.routing.engine.arms import Result
from orchestration.routing.engine.beside import cascade_beside
from orchestration.strategies.engine.belief.model import AnswerRecord
from orchestration.strategies.engine.belief.shipped import shipped_belief
from orchestration.strategies.engine.cascade import CascadeOptions
from orchestration.strategies.engine.types import Request, StrategyOutcome
from tests.support.clock import SkippingLoop
from tests.support.context import Stage
from tests.support.models import ScriptedModel, spec_named

LOOP_FACTORY = SkippingLoop
QUESTION = "How many are there?"
BELIEF = replace(
    shipped_belief(),
    records={
        name: AnswerRecord(prior=right) for name, right in zip("abcd", (0.5, 0.6, 0.7, 0.9), strict=True)
    },
)
POINTS = (0.005, 0.05, 0.5)
"""US dollars per 1,000 requests that a point of quality is worth."""


def panel(answers: Sequence[object], tokens: int = 150) -> list[ScriptedModel]:
    """Return models, the first one the most expensive, that give these answers."""
    found = []
    for name, dollars, answer in zip("dabc", (9, 1, 2, 4), answers, strict=True):
        prices = Prices(input_per_million=Decimal(dollars), output_per_million=Decimal(dollars))
        text = answer if isinstance(answer, str) else f"Answer: {answer}"
        reply = Completion(text=text, usage=Usage(input_tokens=10, output_tokens=tokens))
        found.append(ScriptedModel(spec_named(name, prices=prices), [reply]))
    return found


async def outcome_of(strategy: str, members: list[ScriptedModel], **options: object) -> StrategyOutcome:
    run = Stage(strategy=strategy, members=members, question=QUESTION, belief=BELIEF)
    return await run.run(**options)


async def beside(members: list[ScriptedModel], point: float) -> Result | None:
    voted = await outcome_of("voting", members)
    by_model = {each.model: each for each in voted.candidates}
    specs = [member.spec for member in members]
    answers = [by_model[spec.name] for spec in specs]
    options = CascadeOptions(point_usd=point)
    found = cascade_beside(Request(text=QUESTION), answers, specs, {}, BELIEF, options)
    return found[1] if found is not None else None


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("tokens", [10, 150, 900])
async def test_it_asks_whom_the_cascade_asks(tokens: int, point: float) -> None:
    for numbers in product((1, 2), (1, 2), (1, 2), (1, 2)):
        found = await beside(panel(numbers, tokens), point)
        itself = await outcome_of("cascade", panel(numbers, tokens), point_usd=point)
        assert found is not None
        paid = sum(each.cost_usd or 0 for each in itself.candidates)
        assert found.cost_usd == pytest.approx(float(paid))
        assert (found.quality > 0.9) or len(set(numbers)) > 1


async def test_what_a_point_is_worth_says_how_many_are_asked() -> None:
    found = [await beside(panel((2, 1, 3, 2)), point) for point in POINTS]
    costs = [each.cost_usd for each in found if each is not None]
    assert len(costs) == len(POINTS)
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


async def test_its_quality_is_what_all_answers_say_of_the_one_that_it_gives() -> None:
    """The cheap ones agree, and it stops there; the others contradict."""
    agreed, contradicted = [await beside(panel(each), POINTS[0]) for each in ((1, 1, 1, 1), (2, 1, 1, 2))]
    assert agreed is not None
    assert contradicted is not None
    assert agreed.cost_usd == contradicted.cost_usd
    assert contradicted.quality < 0.5 < agreed.quality


async def test_nothing_is_told_of_answers_that_cannot_be_compared() -> None:
    words = (
        "It was a matter of luck.",
        "Nobody could have known.",
        "Rivers rose in spring.",
        "They went home.",
    )
    assert await beside(panel(words), POINTS[0]) is None
    assert await beside(panel((1, *words[1:]))[:2], POINTS[0]) is None
