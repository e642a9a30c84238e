"""All models at once, then a selection."""

from orchestration.engine.strategies.parallel.strategy import STRATEGY

__all__ = ["STRATEGY"]
