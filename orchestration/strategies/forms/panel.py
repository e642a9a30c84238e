"""The panel picker of the Ask form: a row for each model, their order, and the panel to begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from uuid import UUID

from orchestration.llm.engine.types import Prices, Tier
from orchestration.llm.models import LanguageModel, ProviderKind
from orchestration.strategies.engine.profiles import Evidence, plus

PANEL_SIZE = 3
TIERS = list(Tier)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What is known of a model from the team's runs, over all types of task."""

    evidence: Evidence

    @property
    def seconds(self) -> float | None:
        """The mean time of an answer."""
        return self.evidence.seconds / self.evidence.timed if self.evidence.timed else None

    @property
    def answered(self) -> float | None:
        """The share of calls that gave a usable answer."""
        return self.evidence.answered / self.evidence.asked if self.evidence.asked else None

    @property
    def quality(self) -> float | None:
        """The mean quality of what was judged."""
        return self.evidence.quality / self.evidence.judged if self.evidence.judged else None


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelRow:
    """A model as the picker lists it."""

    key: UUID
    name: str
    provider: str
    tier: str
    simulated: bool
    prices: Prices | None
    record: ModelRecord
    checked: bool
    first: bool
    last: bool


def panel_rows(
    models: Sequence[LanguageModel], order: Sequence[str], chosen: Sequence[str]
) -> list[PanelRow]:
    """Return a row for each model, prefetched with its profiles: first those in `order`, then the others."""
    known = {model.name: model for model in models}
    names = list(dict.fromkeys([*(name for name in order if name in known), *known]))
    return [
        PanelRow(
            key=known[name].pk,
            name=name,
            provider=known[name].provider.name,
            tier=known[name].tier,
            simulated=known[name].provider.kind == ProviderKind.SIMULATED,
            prices=known[name].prices_today(),
            record=model_record(known[name]),
            checked=name in chosen,
            first=place == 0,
            last=place == len(names) - 1,
        )
        for place, name in enumerate(names)
    ]


def model_record(model: LanguageModel) -> ModelRecord:
    """Return the record of a model whose profiles are prefetched."""
    return ModelRecord(reduce(plus, (profile.evidence for profile in model.profiles.all()), Evidence()))


def default_panel(models: Sequence[LanguageModel], size: int = PANEL_SIZE) -> list[str]:
    """Return a first panel: real models before simulated ones, each tier once before any twice.

    Recorded models answer recorded questions only, so they are not chosen unless there are no others.
    """
    models = [model for model in models if model.provider.kind != ProviderKind.RECORDED] or models
    turns: Counter[tuple[bool, int]] = Counter()
    ranked = []
    for model in sorted(models, key=lambda model: model.name):
        kind = (model.provider.kind == ProviderKind.SIMULATED, TIERS.index(Tier(model.tier)))
        ranked.append((kind[0], turns[kind], kind[1], model.name))
        turns[kind] += 1
    return [name for *_, name in sorted(ranked)][:size]


def moved(order: Sequence[str], name: str, *, up: bool) -> list[str]:
    """Return `order` with `name` one place further up or down."""
    names = list(order)
    if name in names:
        place = names.index(name)
        target = place - 1 if up else place + 1
        if 0 <= target < len(names):
            names[place], names[target] = names[target], names[place]
    return names
