"""What the engines are given: the `RunContext` protocol and the journaled context that implements it."""

from orchestration.engine.context.protocol import Question, RunContext, Timing

__all__ = ["Question", "RunContext", "Timing"]
