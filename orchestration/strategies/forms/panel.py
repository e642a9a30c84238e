"""The panel picker: which models are asked, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.llm.engine.types import Prices, Tier
from orchestration.llm.models import LanguageModel, ProviderKind

PANEL_SIZE = 3
TIERS = list(Tier)


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelRow:
    """A model as the picker lists it."""

    name: str
    provider: str
    tier: str
    simulated: bool
    prices: Prices | None
    checked: bool
    first: bool
    last: bool


def panel_rows(
    models: Sequence[LanguageModel], order: Sequence[str], chosen: Sequence[str]
) -> list[PanelRow]:
    """Return a row for each model: first those in `order`, then the others as they come."""
    known = {model.name: model for model in models}
    names = list(dict.fromkeys([*(name for name in order if name in known), *known]))
    return [
        PanelRow(
            name=name,
            provider=known[name].provider.name,
            tier=known[name].tier,
            simulated=known[name].provider.kind == ProviderKind.SIMULATED,
            prices=known[name].prices_today(),
            checked=name in chosen,
            first=place == 0,
            last=place == len(names) - 1,
        )
        for place, name in enumerate(names)
    ]


def default_panel(models: Sequence[LanguageModel], size: int = PANEL_SIZE) -> list[str]:
    """Return a first panel: real models before simulated ones, each tier once before any twice.

    Recorded models are left to those who choose them: they answer recorded questions only.
    """
    models = [model for model in models if model.provider.kind != ProviderKind.RECORDED] or models
    ranked = sorted(
        models, key=lambda model: (_is_simulated(model), TIERS.index(Tier(model.tier)), model.name)
    )
    real = _by_turns([model for model in ranked if not _is_simulated(model)])
    simulated = _by_turns([model for model in ranked if _is_simulated(model)])
    return [model.name for model in [*real, *simulated]][:size]


def moved(order: Sequence[str], name: str, *, up: bool) -> list[str]:
    """Return `order` with `name` one place further up or down."""
    names = list(order)
    if name in names:
        place = names.index(name)
        target = place - 1 if up else place + 1
        if 0 <= target < len(names):
            names[place], names[target] = names[target], names[place]
    return names


def _is_simulated(model: LanguageModel) -> bool:
    return bool(model.provider.kind == ProviderKind.SIMULATED)


def _by_turns(models: Sequence[LanguageModel]) -> list[LanguageModel]:
    """Return the models so that tiers take turns."""
    turns = {
        model.pk: sum(other.tier == model.tier for other in models[:place])
        for place, model in enumerate(models)
    }
    return sorted(models, key=lambda model: (turns[model.pk], TIERS.index(Tier(model.tier))))
