"""How much of a panel a strategy asks, and which other calls it makes: what estimates are added up from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.llm.engine.types import Purpose
from orchestration.strategies.engine.options import JudgeOptions, StrategyOptions

Span = tuple[int, int]
"""Fewest and most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    """Fewest and most `calls` of a helper, each of which is shown so many `answers`.

    `model` is its name, empty for the first model of the panel, or, where it `is_best`, for the one that is
    expected to be right most often.
    """

    model: str
    purpose: Purpose
    calls: Span
    answers: int = 0
    is_best: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """Fewest and most answers, and reviews of all answers after them, and how many at the same time.

    Where there are more answers than models, these answer in turn. `again` are further answers, each of which
    is shown those of all others.
    """

    answers: Span
    at_once: int
    again: Span = (0, 0)
    reviews: Span = (0, 0)
    reviews_at_once: int = 1
    helping: tuple[Help, ...] = ()

    @property
    def may_review(self) -> bool:
        """True when the answers decide whether they are reviewed."""
        fewest, most = self.reviews
        return fewest == 0 < most

    @property
    def calls(self) -> Span:
        """Fewest and most calls, without repetitions."""
        spans = [self.answers, self.again, self.reviews, *(each.calls for each in self.helping)]
        return sum(few for few, _ in spans), sum(most for _, most in spans)


def combining(aggregator: str | None, answers: int) -> Help:
    """Return the call that combines the answers, of the named aggregator or of the best model."""
    model = aggregator or ""
    return Help(model=model, purpose=Purpose.AGGREGATE, calls=(0, 1), answers=answers, is_best=True)


def judging(options: StrategyOptions, *, together: int, singly: Span = (0, 0)) -> tuple[Help, ...]:
    """Return the calls of the named judges: `together`, twice in two orders if several; others `singly`."""
    if not isinstance(options, JudgeOptions):
        return ()
    twice = min(together, 2)
    judges: Iterable[str] = filter(None, dict.fromkeys((options.judge, options.second_judge)))
    return tuple(
        Help(model=judge, purpose=Purpose.JUDGE, calls=calls, answers=answers)
        for judge in judges
        for calls, answers in (((twice, twice), together), (singly, 1))
        if calls[1]
    )
