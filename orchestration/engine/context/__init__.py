"""What the engines are given: the `RunContext` protocol and the journaled context that implements it."""

from orchestration.engine.context.protocol import Person, Question, Received, RunContext, Timing

__all__ = ["Person", "Question", "Received", "RunContext", "Timing"]
