"""The best single model of a panel beside what a run gave: quality, cost and time, and the sentence on it.

The best is the one with the best record for the kind of question. Where its own first answer is among those
of the run, or where it was asked by itself to compare, its quality, cost and time are observed; else they are
predicted, the quality by its record. The quality of an answer that was given beside others is what is
believed of it with all of them in sight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum

from orchestration.llm.engine.types import TOKENS_PER_MESSAGE, Json, ModelSpec, estimate_tokens
from orchestration.strategies.engine.asking import answer_step, ask_step
from orchestration.strategies.engine.belief.reading import answer_groups, question_traits, read_text
from orchestration.strategies.engine.lengths import length_beside_usual
from orchestration.strategies.engine.profiles import Profiles, answer_cost, profile_for, usual_length
from orchestration.strategies.engine.strategy import Panel
from orchestration.strategies.engine.types import (
    Candidate,
    Request,
    StrategyOutcome,
    answered_candidates,
    counted,
    dollars_apart,
    percent,
)

SEVERAL = 2
SHORTEST_S = 0.1
"""Difference of times below which none is named."""


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
    longer = longer_than_usual(request, answered_candidates(asked), panel.specs, panel.profiles)
    cost = predicted_cost(spec, request, panel.profiles, longer)
    return SingleModel(
        model=spec.name,
        basis=Basis.PREDICTED,
        quality=panel.belief.before(traits, spec.name),
        cost_usd=None if cost is None else float(cost),
        seconds=profile_for(spec, traits.task, known).seconds,
    )


def predicted_cost(
    spec: ModelSpec, request: Request, profiles: Profiles, longer: float = 1.0
) -> Decimal | None:
    """Return what a model's answer to a request is expected to cost in US dollars, None without a price.

    The answer is taken to be `longer` than usual by a factor.
    """
    task = question_traits(request.text, request.system).task
    return answer_cost(spec, task, tokens_read(request), profiles.get(spec.name, ()), longer)


def longer_than_usual(
    request: Request, answers: Sequence[Candidate], specs: Sequence[ModelSpec], profiles: Profiles
) -> float:
    """Return by what factor the models' first answers to a request are longer than is usual for each."""
    task, read = question_traits(request.text, request.system).task, tokens_read(request)
    written = {each.model: each.usage.output_tokens for each in answers if each.step == ask_step(each.model)}
    return length_beside_usual(
        (written[spec.name], usual_length(spec, task, read, profiles.get(spec.name, ())))
        for spec in specs
        if spec.name in written
    )


def tokens_read(request: Request) -> int:
    """Return about how many tokens a model reads of a request."""
    return estimate_tokens(request.text) + estimate_tokens(request.system) + TOKENS_PER_MESSAGE


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


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelWorth:
    """What a run gave and took, without what was asked only to compare, beside a model by itself."""

    single: SingleModel
    quality: float | None
    cost_usd: float
    seconds: float | None

    @property
    def gain(self) -> float | None:
        """Estimated quality above that of the single model, None where either is not known."""
        return _above(self.quality, self.single.quality)

    @property
    def extra_usd(self) -> float | None:
        """US dollars above what the single model costs."""
        return _above(self.cost_usd, self.single.cost_usd)

    @property
    def extra_s(self) -> float | None:
        """Seconds above what the single model takes."""
        return _above(self.seconds, self.single.seconds)

    @property
    def sentence(self) -> str:
        """What the run added, and for how much more."""
        model, price, gain = self.single.model, self._price, self.gain
        if self.single.error:
            return f"{model} alone gave no answer{price}."
        if gain is None:
            return f"Nothing judged the answers: what the run added to {model} alone is not known{price}."
        shown = [int(percent(each or 0.0)[:-1]) for each in (self.quality, self.single.quality)]
        apart = counted(abs(shown[0] - shown[1]), "point")  # who subtracts what is shown finds the same
        if shown[0] == shown[1]:
            if self.single.agrees:
                return f"{model} alone gives the same answer: the run confirmed it{price}."
            return f"The run added no estimated quality to {model} alone{price}."
        if gain < 0:
            return f"The run is estimated {apart} below {model} alone{price}."
        return f"The run added {apart} of estimated quality to {model} alone{price}."

    @property
    def _price(self) -> str:
        """What more or less it took, as the end of a sentence; empty where that is not known."""
        parts = []
        if self.extra_usd is not None:
            alone = self.cost_usd - self.extra_usd
            amount = dollars_apart(*(Decimal(f"{each:.9f}").normalize() for each in (self.cost_usd, alone)))
            parts += [(self.extra_usd, amount)] if amount != "$0" else []
        if self.extra_s is not None and abs(self.extra_s) >= SHORTEST_S:
            parts.append((self.extra_s, f"{abs(self.extra_s):.1f} s"))
        words = [f"{shown} {'less' if amount < 0 else 'more'}" for amount, shown in parts]
        return f", for {' and '.join(words)}" if words else ""

    def as_json(self) -> dict[str, Json]:
        """Return the comparison as commands and files give it."""
        own = {"gain": self.gain, "extra_usd": self.extra_usd, "extra_s": self.extra_s}
        return {**asdict(self.single), "basis": self.single.basis.value, **own, "sentence": self.sentence}


def _above(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def panel_worth(
    stored: Mapping[str, Json] | None, quality: float | None, cost_usd: float, seconds: float | None
) -> PanelWorth | None:
    """Return what a run is worth beside the single model that it has `stored`, None for none."""
    if not stored:
        return None
    single = SingleModel(**{**stored, "basis": Basis(stored["basis"])})
    if single.basis is Basis.ASKED:
        cost_usd = max(0.0, cost_usd - (single.cost_usd or 0.0))
        seconds = None if seconds is None else max(0.0, seconds - (single.seconds or 0.0))
    return PanelWorth(single=single, quality=quality, cost_usd=cost_usd, seconds=seconds)
