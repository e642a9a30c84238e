"""The models that are best at the kind of task, as far as is known."""

from orchestration.engine.strategies.expert.strategy import STRATEGY

__all__ = ["STRATEGY"]
