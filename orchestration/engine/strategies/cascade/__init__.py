"""Cheap models first, dearer ones only where it takes them."""

from orchestration.engine.strategies.cascade.strategy import STRATEGY

__all__ = ["STRATEGY"]
