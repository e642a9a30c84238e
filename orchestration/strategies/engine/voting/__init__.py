"""The voting strategy: the panel's models decide which answer it is."""

from orchestration.strategies.engine.voting.strategy import STRATEGY

__all__ = ["STRATEGY"]
