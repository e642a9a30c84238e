"""What a run is worth beside the best single model of its panel: quality, money and time, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal

from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.single_model import Basis, SingleModel
from orchestration.strategies.engine.types import dollars

SAME = 0.005
"""Difference of estimated qualities below which they count as equal: pages show hundredths."""
SHORTEST_S = 0.1
"""Difference of times below which none is named."""


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
        if self.quality is None or self.single.quality is None:
            return None
        return self.quality - self.single.quality

    @property
    def extra_usd(self) -> float | None:
        """US dollars above what the single model costs."""
        return None if self.single.cost_usd is None else self.cost_usd - self.single.cost_usd

    @property
    def extra_s(self) -> float | None:
        """Seconds above what the single model takes."""
        known = self.seconds is not None and self.single.seconds is not None
        return (self.seconds or 0.0) - (self.single.seconds or 0.0) if known else None

    @property
    def sentence(self) -> str:
        """What the run added, and for how much more."""
        model, price, gain = self.single.model, self._price, self.gain
        if self.single.error:
            return f"{model} alone gave no answer{price}."
        if gain is None:
            return f"Nothing judged the answers: what the run added to {model} alone is not known{price}."
        if self.single.agrees and abs(gain) < SAME:
            return f"{model} alone gives the same answer: the run confirmed it{price}."
        if abs(gain) < SAME:
            return f"The run added no estimated quality to {model} alone{price}."
        if gain < 0:
            return f"The run is estimated {-gain:.2f} below {model} alone{price}."
        return f"The run added {gain:.2f} of estimated quality to {model} alone{price}."

    @property
    def _price(self) -> str:
        """What more or less it took, as the end of a sentence; empty where that is not known."""
        parts = [] if self.extra_usd is None else [(self.extra_usd, dollars(_rounded(abs(self.extra_usd))))]
        if self.extra_s is not None and abs(self.extra_s) >= SHORTEST_S:
            parts.append((self.extra_s, f"{abs(self.extra_s):.1f} s"))
        words = [f"{shown} {'less' if amount < 0 else 'more'}" for amount, shown in parts]
        return f", for {' and '.join(words)}" if words else ""

    def as_json(self) -> dict[str, Json]:
        """Return the comparison as commands and files give it."""
        own = {"gain": self.gain, "extra_usd": self.extra_usd, "extra_s": self.extra_s}
        return {**asdict(self.single), "basis": self.single.basis.value, **own, "sentence": self.sentence}


def _rounded(amount: float) -> Decimal:
    return Decimal(f"{amount:.9f}").normalize()


def panel_worth(
    stored: Mapping[str, Json] | None, quality: float | None, cost_usd: float, seconds: float | None
) -> PanelWorth | None:
    """Return what a run is worth beside the single model that it has `stored`, None for none."""
    if not stored:
        return None
    single = SingleModel.from_json(stored)
    if single.basis is Basis.ASKED:
        cost_usd = max(0.0, cost_usd - (single.cost_usd or 0.0))
        seconds = None if seconds is None else max(0.0, seconds - (single.seconds or 0.0))
    return PanelWorth(single=single, quality=quality, cost_usd=cost_usd, seconds=seconds)
