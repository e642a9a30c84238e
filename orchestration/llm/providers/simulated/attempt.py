"""One simulated model's try at a question: right as often as its skill says, else plausibly wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.llm.engine.types import Prompt
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.chance import dice, draw
from orchestration.llm.providers.simulated.question import identity, read
from orchestration.llm.providers.simulated.solution import Solution
from orchestration.llm.providers.simulated.solvers.registry import solve
from orchestration.llm.providers.simulated.wrong import wrong_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a model is to answer: the question, the instructions with it, and which draw of it this is."""

    question: str
    instructions: str = ""
    draw: str = "0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What a model makes of a question; `answer` need not be the solution's."""

    solution: Solution
    answer: str


def asked_of(prompt: Prompt) -> Asked:
    """Read the last thing the user says, and what the system says.

    A temperature above 0 makes the prompt's seed part of the draw; without one, or at 0, only the sample
    number tells draws apart.
    """
    users = [message.content for message in prompt.messages if message.role == "user"]
    system = "\n".join(message.content for message in prompt.messages if message.role == "system")
    seed = prompt.seed if prompt.temperature else None
    drawn = f"{prompt.sample}" if seed is None else f"{prompt.sample}/{seed}"
    return Asked(question=users[-1] if users else "", instructions=system, draw=drawn)


def attempt(profile: SimulatedProfile, asked: Asked) -> Attempt | None:
    """Try to answer; None when the question is out of reach.

    Whether it comes out right hangs on the model's name, the question and the draw alone.
    """
    solution = next((found for text in _readings(asked) if (found := solve(read(text))) is not None), None)
    return None if solution is None else taken(profile, asked, solution)


def taken(profile: SimulatedProfile, asked: Asked, solution: Solution) -> Attempt:
    """Answer with the solution, or with a slip where skill fails."""
    parts = (profile.name, identity(asked.question), asked.draw)
    right = draw("skill", *parts) < profile.skill
    answer = solution.answer if right else wrong_answer(solution, dice("slip", *parts))
    return Attempt(solution=solution, answer=answer)


def _readings(asked: Asked) -> Iterator[str]:
    """Yield the question alone, then with the instructions: they may hold the task or the labels."""
    yield asked.question
    if asked.instructions:
        yield f"{asked.instructions}\n\n{asked.question}"
