"""Cheap models first, more expensive ones only where their answers are not accepted."""

from orchestration.strategies.engine.cascade.strategy import STRATEGY

__all__ = ["STRATEGY"]
