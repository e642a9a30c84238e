"""What the engines are given: the `RunContext` protocol and the journaled context that implements it."""

from orchestration.engine.context.protocol import Audience, Person, Question, Received, RunContext, Timing

__all__ = ["Audience", "Person", "Question", "Received", "RunContext", "Timing"]
