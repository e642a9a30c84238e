"""Reading question and answers out of a judge's prompt. What stands in a block is data, nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUESTION = re.compile(r"<question>\s*(.*?)\s*</question>", re.DOTALL)
_INSTRUCTIONS = re.compile(r"<instructions>\s*(.*?)\s*</instructions>", re.DOTALL)
_ANSWER = re.compile(r'<answer id="(\w{1,8})">\n?(.*?)\n?</answer>', re.DOTALL)
_ESCAPED = re.compile(r"&lt;(?=\s*/?\s*(?:question|answer|instructions)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its instructions, and the answers to it by their label."""

    question: str
    instructions: str
    answers: dict[str, str]


def read_case(text: str) -> Case | None:
    """Read a question block and the answer blocks; None when either is missing."""
    question = _QUESTION.search(text)
    if question is None:
        return None
    rest = text[question.end() :]
    instructions = _INSTRUCTIONS.search(rest.partition("<answer ")[0])
    answers = {label: _unescaped(answer) for label, answer in _ANSWER.findall(rest)}
    if not answers:
        return None
    return Case(_unescaped(question[1]), _unescaped(instructions[1]) if instructions else "", answers)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub("<", text)
