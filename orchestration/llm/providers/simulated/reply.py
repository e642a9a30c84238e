"""What a simulated model writes to a prompt. Every answer in prose says that it is simulated."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from orchestration.llm.engine.types import Prompt, Purpose
from orchestration.llm.providers.simulated.attempt import (
    AskedQuestion,
    asked_question,
    attempt,
    dice,
    with_skill,
)
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.filling import SchemaFiller
from orchestration.llm.providers.simulated.judging import ranking, read_case, synthesis, verdicts
from orchestration.llm.providers.simulated.labels import pick
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
        return _signed(profile, synthesis(profile, case))
    made = _labelled(profile, prompt, asked) or attempt(profile, asked) or open_answer(profile, asked)
    if prompt.response_schema:
        chance = dice("filling", profile.name, asked.question, asked.draw)
        filled = SchemaFiller(profile, prompt.response_schema, asked.question, made, chance).written()
        if filled is not None:
            return filled
    if made is None:
        return _signed(profile, _DECLINED.format(name=profile.name))
    return _signed(profile, _explained(made, dice("wording", profile.name, asked.question)))


def _labelled(profile: SimulatedProfile, prompt: Prompt, asked: AskedQuestion) -> Solution | None:
    """Classify by the labels that the schema allows."""
    schema = prompt.response_schema or {}
    places = [schema, *schema.get("properties", {}).values()] if prompt.purpose == Purpose.CLASSIFY else []
    labels = [str(label) for each in places if isinstance(each, Mapping) for label in each.get("enum", [])]
    solution = pick(labels, asked.question) if labels else None
    return with_skill(profile, asked, solution) if solution else None


def _explained(made: Solution, choice: Random) -> str:
    """Write the way, the result, and the result once more where a program looks for it."""
    closing = choice.choice(_CLOSINGS).format(answer=made.answer)
    explained = f"{choice.choice(_OPENINGS)} {made.working}. {closing}\n\nAnswer: {made.answer}"
    return explained if made.working else made.answer


def _signed(profile: SimulatedProfile, text: str) -> str:
    return f"{text}\n\n_Simulated answer by {profile.name}._"
