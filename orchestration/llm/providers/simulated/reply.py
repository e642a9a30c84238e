"""What a simulated model writes to a prompt. Every answer in prose says that it is simulated."""

from __future__ import annotations

from random import Random

from orchestration.llm.engine.types import Prompt, Purpose
from orchestration.llm.providers.simulated.attempt import asked_question, attempt, dice, labelled
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.filling import SchemaFiller
from orchestration.llm.providers.simulated.judging import ranking, read_case, synthesis, verdicts
from orchestration.llm.providers.simulated.open_questions import open_answer
from orchestration.llm.providers.simulated.solution import Solution

_OPENINGS = ("Let me work this out step by step.", "Here is how I get there.", "Going through it carefully:")
_CLOSINGS = ("That gives {answer}.", "So the result is {answer}.", "This comes to {answer}.")
_DECLINED = (
    "I can't answer this: {name} is a simulated model and knows nothing of the world. It really solves small"
    " tasks that carry all they need: sums and percentages, unit and date questions, sorting, counting,"
    " choosing among labels, and multiple choice. Ask one of those, or connect a real model for the rest."
)


def reply_to(profile: SimulatedProfile, prompt: Prompt) -> str:
    """Write the whole answer."""
    asked = asked_question(prompt)
    case = read_case(asked.question, asked.draw)
    if case and prompt.purpose == Purpose.JUDGE:
        return verdicts(profile, case)
    if case and prompt.purpose in (Purpose.RANK, Purpose.REVIEW, Purpose.VOTE):
        return ranking(profile, case)
    if case and prompt.purpose == Purpose.AGGREGATE:
        if not prompt.response_schema:
            return _signed(profile, synthesis(profile, case))
        asked = case.asked
    schema = prompt.response_schema or {}
    classifies = prompt.purpose == Purpose.CLASSIFY or asked.data
    made = labelled(profile, schema, asked) if classifies else None
    made = made or attempt(profile, asked) or open_answer(profile, asked)
    if schema:
        chance = dice("filling", profile.name, asked.question, asked.draw)
        said = asked.data or asked.question
        filled = SchemaFiller(profile, schema, said, made, chance).written()
        if filled is not None:
            return filled
    if made is None:
        return _signed(profile, _DECLINED.format(name=profile.name))
    return _signed(profile, _explained(made, dice("wording", profile.name, asked.question)))


def _explained(made: Solution, choice: Random) -> str:
    """Write the way, the result, and the result once more where a program looks for it."""
    closing = choice.choice(_CLOSINGS).format(answer=made.answer)
    explained = f"{choice.choice(_OPENINGS)} {made.working}. {closing}\n\nAnswer: {made.answer}"
    return explained if made.working else made.answer


def _signed(profile: SimulatedProfile, text: str) -> str:
    return f"{text}\n\n_Simulated answer by {profile.name}._"
