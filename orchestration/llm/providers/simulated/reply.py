"""What a simulated model writes to a prompt. Every answer in prose says that it is simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random

from orchestration.llm.engine.types import Json, Prompt, Purpose, ToolCall
from orchestration.llm.providers.simulated.attempt import (
    AskedQuestion,
    asked_question,
    attempt,
    calculation,
    dice,
    labelled,
)
from orchestration.llm.providers.simulated.catalog import SimulatedProfile
from orchestration.llm.providers.simulated.filling import SchemaFiller
from orchestration.llm.providers.simulated.judging import ranking, read_case, synthesis, verdicts
from orchestration.llm.providers.simulated.open_questions import open_answer
from orchestration.llm.providers.simulated.reading import parse_number, read
from orchestration.llm.providers.simulated.solution import Solution, numeric

CALCULATOR = "calculator"
_TEXT: Mapping[str, Json] = {"properties": {"text": {"type": "string"}}}
_VERDICT: Mapping[str, Json] = {
    "properties": {"verdict": {"enum": ["accept", "return"]}, "reason": {"type": "string"}}
}
PROSE: Mapping[Purpose, Mapping[str, Json]] = {
    **dict.fromkeys((Purpose.ANSWER, Purpose.PROPOSE, Purpose.AGGREGATE, Purpose.SUMMARISE), _TEXT),
    Purpose.REVIEW: _VERDICT,
}
"""By the fields of which schema an answer in prose about given texts is made, where no solver has one."""
_SAID = {"accept": "I accept it.", "return": "I return it."}
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
    classifies = prompt.purpose == Purpose.CLASSIFY or (prompt.purpose == Purpose.ANSWER and asked.data)
    made = labelled(profile, schema, asked) if classifies else None
    made = made or _calculated(prompt, asked) or _solved(profile, prompt, asked)
    filled = _filled(profile, prompt, asked, made)
    if filled is not None:
        return filled
    if made is None:
        return _signed(profile, _DECLINED.format(name=profile.name))
    return _signed(profile, _explained(made, dice("wording", profile.name, asked.question)))


def _solved(profile: SimulatedProfile, prompt: Prompt, asked: AskedQuestion) -> Solution | None:
    """Solve the question; whoever plans, proposes or judges on given material has none to solve."""
    if asked.material and prompt.purpose != Purpose.ANSWER:
        return None
    if prompt.purpose in (Purpose.PLAN, Purpose.PROPOSE):
        return None
    return attempt(profile, asked) or open_answer(profile, asked)


def _filled(
    profile: SimulatedProfile, prompt: Prompt, asked: AskedQuestion, made: Solution | None
) -> str | None:
    """Write what fits the schema; without one a text about the given material, if nothing else is found."""
    chance = dice("filling", profile.name, asked.question, asked.draw)
    if prompt.response_schema:
        return SchemaFiller(profile, prompt.response_schema, asked, prompt.purpose, made, chance).written()
    if made is not None or not asked.material or prompt.purpose not in PROSE:
        return None
    form = SchemaFiller(profile, PROSE[prompt.purpose], asked, prompt.purpose, None, chance).filled()
    return " ".join(_SAID.get(each, each) for each in form.values() if each != profile.name)


def wanted_call(prompt: Prompt) -> ToolCall | None:
    """Return the call that computes the answer, where a calculator is offered and has not been called yet."""
    has_called = any(message.role == "tool" for message in prompt.messages)
    if has_called or CALCULATOR not in {tool.name for tool in prompt.tools}:
        return None
    expression = calculation(asked_question(prompt))
    arguments = json.dumps({"expression": expression})
    return ToolCall(id="call_1", name=CALCULATOR, arguments=arguments) if expression else None


def _calculated(prompt: Prompt, asked: AskedQuestion) -> Solution | None:
    """Return what the calculator that was called gave; None where that was no number."""
    given = next((each.content for each in prompt.messages if each.role == "tool"), "")
    try:
        text = json.loads(given.replace("<data>", "").replace("</data>", ""))["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    value = parse_number(text) if isinstance(text, str) else None
    if value is None:
        return None
    return numeric(value, f"The calculator computes {calculation(asked)}", places=read(asked.question).places)


def _explained(made: Solution, choice: Random) -> str:
    """Write the way, the result, and the result once more where a program looks for it."""
    closing = choice.choice(_CLOSINGS).format(answer=made.answer)
    explained = f"{choice.choice(_OPENINGS)} {made.working}. {closing}\n\nAnswer: {made.answer}"
    return explained if made.working else made.answer


def _signed(profile: SimulatedProfile, text: str) -> str:
    return f"{text}\n\n_Simulated answer by {profile.name}._"
