"""What the engines are given: the `RunContext` protocol and the journaled context that implements it."""

from orchestration.engine.context.protocol import Question, RunContext

__all__ = ["Question", "RunContext"]
