"""The best single model of a panel beside what a run gave: its quality, cost and time.

The best is the one with the best record for the kind of question. Where its own first answer is among those
of the run, or where it was asked by itself to compare, its quality, cost and time are observed; else they are
predicted, the quality by its record. The quality of an answer that was given beside others is what is
believed of it with all of them in sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, Json, estimate_tokens
from orchestration.strategies.engine.asking import answer_step, ask_step
from orchestration.strategies.engine.belief.reading import answer_groups, question_traits, read_text
from orchestration.strategies.engine.profiles import answer_cost, profile_for
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import Candidate, Request, StrategyOutcome

SEVERAL = 2


class Basis(StrEnum):
    """What is known of the single model rests on."""

    ANSWERED = "answered"
    ASKED = "asked"
    PREDICTED = "predicted"


@dataclass(frozen=True, kw_only=True, slots=True)
class SingleModel:
    """A model by itself: quality 0 to 1, None where nothing judged its answer; US dollars, seconds.

    `agrees` says whether its answer is that of the run, None where the two cannot be compared or there is
    none. `error` is why it gave no answer.
    """

    model: str
    basis: Basis
    quality: float | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    agrees: bool | None = None
    answer: str = ""
    error: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> SingleModel:
        """Return what a run has stored."""
        return cls(**{**stored, "basis": Basis(stored["basis"])})


def single_model(request: Request, panel: Panel, outcome: StrategyOutcome) -> SingleModel | None:
    """Return the best single model of a panel beside an outcome, None where only one answer was asked for."""
    asked = [each for each in outcome.candidates if each.state != "missing"]
    if len(asked) < SEVERAL:
        return None
    spec = panel.best(request).spec
    first = [each for each in asked if answer_step(each.step) == ask_step(spec.name)]
    for own in (each for each in first if each.state in {"answered", "failed"}):
        return _observed(own, request, outcome)
    traits = question_traits(request.text, request.system)
    known = panel.profiles.get(spec.name, ())
    read = estimate_tokens(request.text) + estimate_tokens(request.system) + TOKENS_PER_MESSAGE
    cost = answer_cost(spec, traits.task, read, known)
    return SingleModel(
        model=spec.name,
        basis=Basis.PREDICTED,
        quality=panel.belief.before(traits, spec.name),
        cost_usd=None if cost is None else float(cost),
        seconds=profile_for(spec, traits.task, known).seconds,
    )


def _observed(own: Candidate, request: Request, outcome: StrategyOutcome) -> SingleModel:
    judged = own.quality is not None and own.quality.judged
    is_answer = own.step == outcome.chosen
    return SingleModel(
        model=own.model,
        basis=Basis.ANSWERED,
        quality=own.quality.overall if own.quality is not None and judged else None,
        cost_usd=None if own.cost_usd is None else float(own.cost_usd),
        seconds=own.latency_s,
        agrees=is_answer or (say_the_same(request.text, own.text, outcome.answer) if own.text else False),
        error=own.error,
    )


def say_the_same(question: str, one: str, other: str) -> bool | None:
    """Return whether two answers to a question say the same, None where that cannot be compared."""
    if one.strip() == other.strip():
        return True
    groups = answer_groups([read_text("", text, question) for text in (one, other)])
    return len(groups) == 1 if groups else None
