"""Strategies about to be evaluated, with everything about them checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.evaluation.fitting import learned
from orchestration.engine.strategies.options import StrategyOptions, helper_models, parse_options
from orchestration.engine.strategies.strategy import Lesson, Strategy
from orchestration.engine.types import Json, ModelSpec
from orchestration.services.evaluation.panels import unknown_model


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """A strategy with its options, learned ones included, its panel and the helpers that the options name."""

    strategy: Strategy
    options: StrategyOptions
    panel: tuple[ModelSpec, ...]
    helpers: tuple[ModelSpec, ...]

    @property
    def learns(self) -> bool:
        """True when there is something that the strategy can learn."""
        return self.strategy.learns


def enter(
    strategy: Strategy,
    given: Mapping[str, Json],
    panel: Sequence[ModelSpec],
    lessons: Sequence[Lesson],
    known: Mapping[str, ModelSpec],
) -> Entrant:
    """Let the strategy learn and check its options. Raises `InvalidRequest`, `InvalidOptions`."""
    options = parse_options(strategy.Options, learned(strategy, lessons, panel, given))
    helpers = helper_models(options)
    for name in helpers:
        if name not in known:
            raise InvalidRequest(unknown_model(name, tuple(known)), field="option")
    return Entrant(
        strategy=strategy,
        options=options,
        panel=tuple(panel),
        helpers=tuple(known[name] for name in helpers),
    )


def check_numbers(*, limit: int | None, failure_rate: float) -> None:
    """Raise `InvalidRequest` for numbers that make no sense."""
    if limit is not None and limit < 1:
        raise InvalidRequest("At least one item must be scored.", field="limit")
    if not 0 <= failure_rate <= 1:
        raise InvalidRequest("The share of attempts that fail lies between 0 and 1.", field="failure-rate")
