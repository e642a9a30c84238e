"""Strategies by name: every module of this package that holds a `STRATEGY` is one."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType

from orchestration.engine.errors import InvalidRequest
from orchestration.engine.strategies.options import StrategyOptions, parse_options
from orchestration.engine.strategies.protocol import ChecksPanel, Strategy
from orchestration.engine.types import Json

PACKAGE = "orchestration.engine.strategies"


@cache
def all_strategies() -> Mapping[str, Strategy]:
    """Return every strategy by its name, in alphabetical order."""
    names = (module.name for module in pkgutil.iter_modules(import_module(PACKAGE).__path__))
    found: list[Strategy | None] = [getattr(import_module(f"{PACKAGE}.{n}"), "STRATEGY", None) for n in names]
    return MappingProxyType({strategy.name: strategy for strategy in found if strategy is not None})


def get_strategy(name: str) -> Strategy:
    """Return the strategy called `name`. Raises `InvalidRequest`."""
    strategy = all_strategies().get(name)
    if strategy is None:
        there_are = ", ".join(all_strategies())
        raise InvalidRequest(f"There is no strategy “{name[:60]}”. There are: {there_are}.", field="strategy")
    return strategy


def validate_options(name: str, given: Mapping[str, Json]) -> StrategyOptions:
    """Return `given` as options of the strategy called `name`. Raises `InvalidRequest`, `InvalidOptions`."""
    return parse_options(get_strategy(name).Options, given)


def check_panel(name: str, options: StrategyOptions, panel: Sequence[str]) -> None:
    """Hold options against the panel's names where the strategy asks for it. Raises `InvalidOptions`."""
    strategy = get_strategy(name)
    if isinstance(strategy, ChecksPanel):
        strategy.check(options, panel)
