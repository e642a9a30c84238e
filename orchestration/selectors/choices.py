"""What a provider offers, as the page to choose from shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestration.engine.types import Prices
from orchestration.models import Provider
from orchestration.providers.openai_compatible.catalogue import RemoteModel

SHOWN_AT_MOST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A model of the provider: what it costs as far as is known, whether it is ticked or in use already."""

    id: str
    context_window: int | None
    prices: Prices | None
    picked: bool
    in_use: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """Those that match the search, ticked ones first; `hidden` more match, of `total` in all."""

    shown: tuple[Choice, ...] = ()
    hidden: int = 0
    total: int = 0


def choices_of(
    provider: Provider, listed: Sequence[RemoteModel], *, search: str, picked: Iterable[str]
) -> Choices:
    """Return what to choose from. A ticked model is shown whatever the search."""
    ticked = set(picked)
    used = set(provider.language_models.values_list("remote_name", flat=True))
    words = search.lower().split()
    found = [
        Choice(
            id=remote.id,
            context_window=remote.context_window,
            prices=remote.prices,
            picked=remote.id in ticked,
            in_use=remote.id in used,
        )
        for remote in listed
        if remote.id in ticked or all(word in remote.id.lower() for word in words)
    ]
    found.sort(key=lambda choice: not choice.picked)
    return Choices(
        shown=tuple(found[:SHOWN_AT_MOST]), hidden=max(0, len(found) - SHOWN_AT_MOST), total=len(listed)
    )
