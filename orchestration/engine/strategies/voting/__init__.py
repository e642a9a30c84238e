"""The voting strategy: the panel's models decide which answer it is."""

from orchestration.engine.strategies.voting.strategy import STRATEGY

__all__ = ["STRATEGY"]
