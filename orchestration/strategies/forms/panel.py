"""The panel picker of the Ask form: a row for each model, their order, and the panel to begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.llm.engine.types import Tier
from orchestration.llm.models import LanguageModel, ProviderKind
from orchestration.strategies.engine.profiles import plus

PANEL_SIZE = 3
TIERS = list(Tier)


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelRow:
    """A model as the picker lists it, with what the team's runs say of it over all types of task.

    That is the mean time of an answer, the share of calls that gave a usable one, and the mean quality of
    those that were judged; None without evidence.
    """

    model: LanguageModel
    checked: bool
    seconds: float | None
    answered: float | None
    quality: float | None


def panel_rows(
    models: Sequence[LanguageModel], order: Sequence[str], chosen: Sequence[str]
) -> list[PanelRow]:
    """Return a row for each model, prefetched with its profiles: first those in `order`, then the others."""
    known = {model.name: model for model in models}
    ordered = {name: known[name] for name in (*order, *known) if name in known}
    return [
        PanelRow(
            model=model,
            checked=name in chosen,
            seconds=shown.seconds / shown.timed if shown.timed else None,
            answered=shown.answered / shown.asked if shown.asked else None,
            quality=shown.quality / shown.judged if shown.judged else None,
        )
        for name, model in ordered.items()
        for shown in [plus(*(profile.evidence for profile in model.profiles.all()))]
    ]


def default_panel(models: Sequence[LanguageModel]) -> list[str]:
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
    return [name for *_, name in sorted(ranked)][:PANEL_SIZE]
