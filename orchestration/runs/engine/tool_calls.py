"""What a person is asked about a call to a tool that a crash interrupted, and what the answer means."""

from __future__ import annotations

import json
from enum import StrEnum

from orchestration.expressions.documents import read_document
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.types import Json
from orchestration.runs.engine.types import Question
from orchestration.tools.engine.tool import ToolFailed, storable

MOST_SHOWN = 2_000
"""Characters of arguments and results that an event has."""


class CallChoice(StrEnum):
    """What is to follow an interrupted call, in the words of the buttons."""

    REPEAT = "Call it again"
    GIVE = "Enter the result"
    FAIL = "Do not repeat it"


def choice_question(title: str) -> Question:
    """Return the question what is to follow a call of which nobody knows whether it took effect."""
    text = (
        f"{title} was being called when Orchestra stopped, so it may or may not have done its work."
        " It is not safe to call it twice. Look there first: what should happen?"
    )
    return Question(text=text, schema={"enum": [choice.value for choice in CallChoice]})


def result_question(title: str) -> Question:
    """Return the question for the result of a call that a person looked up."""
    return Question(text=f"What did {title} give? Write it as text or as JSON.", schema={"type": "string"})


def given_result(text: Json) -> Json:
    """Return the result that a person wrote: as JSON where it is some, else as it is."""
    try:
        return storable(read_document(text, "json"))
    except (ExpressionError, ToolFailed):
        return text


def shown_result(result: Json) -> str:
    """Return the beginning of a result, as text."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return shown_text(text)


def shown_text(text: str) -> str:
    """Return the beginning of a text that an event has."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text):,} characters)"
