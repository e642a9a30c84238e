"""Ways to turn a request and a panel into an outcome, one file each."""

from orchestration.engine.strategies.options import (
    InvalidOptions,
    ModelName,
    OptionError,
    StrategyOptions,
    helper_models,
)
from orchestration.engine.strategies.protocol import Panel, Strategy
from orchestration.engine.strategies.registry import all_strategies, get_strategy, validate_options

__all__ = [
    "InvalidOptions",
    "ModelName",
    "OptionError",
    "Panel",
    "Strategy",
    "StrategyOptions",
    "all_strategies",
    "get_strategy",
    "helper_models",
    "validate_options",
]
