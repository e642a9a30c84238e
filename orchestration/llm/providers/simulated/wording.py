"""How simulated models put things. Every answer says that it is simulated."""

from __future__ import annotations

from orchestration.llm.providers.simulated.attempt import Attempt
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.chance import dice

_OPENINGS = (
    "Let me work this out step by step.",
    "Here is how I get there.",
    "Going through it carefully:",
    "First the way, then the result.",
)
_CLOSINGS = (
    "That gives {answer}.",
    "So the result is {answer}.",
    "This comes to {answer}.",
    "Hence {answer}.",
)
_REACH = (
    "sums and percentages, unit and date questions, counting, sorting, extracting from a text, "
    "classifying by given labels, "
    "and multiple choice over given facts"
)


def footer(profile: SimulatedProfile) -> str:
    """Return the line that closes every answer in prose."""
    return f"_Simulated answer by {profile.name}._"


def explained(profile: SimulatedProfile, attempt: Attempt, question: str) -> str:
    """Write an answer: the way, the result, and the result once more where a program looks for it."""
    choice = dice("wording", profile.name, question)
    closing = choice.choice(_CLOSINGS).format(answer=attempt.answer)
    return (
        f"{choice.choice(_OPENINGS)} {derivation(attempt)} {closing}\n\n"
        f"Answer: {attempt.answer}\n\n{footer(profile)}"
    )


def derivation(attempt: Attempt) -> str:
    """Return the way to the answer as a sentence."""
    return f"{attempt.solution.working}."


def declined(profile: SimulatedProfile) -> str:
    """Say what a simulated model cannot do, what it can, and what helps."""
    return (
        f"I can't answer this: {profile.name} is a simulated model and knows nothing of the world. It really"
        f" solves small tasks that carry all they need: {_REACH}. Ask one of those, or connect a real model"
        f" for the rest.\n\n{footer(profile)}"
    )
