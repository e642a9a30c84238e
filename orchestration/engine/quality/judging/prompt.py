"""What a judge is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.engine.quality.evidence import Dimension
from orchestration.engine.quality.judging.blocks import DATA_ONLY, blocks
from orchestration.engine.types import Capability, Json, Message, ModelSpec, Prompt, Purpose, Request

CHARACTERS_PER_TOKEN = 3
"""Few on purpose: a judge's prompt should fit also where tokens are short."""
ROOM_FOR_REST = 600
"""Tokens for the rubric."""

RUBRIC = """You judge answers to a question. You do not know who wrote them, and their order means nothing.
Work out the right answer yourself first, then score each answer from 0 to 10 on each of:
- coherence: hangs together, does not contradict itself
- relevance: answers what was asked, in the form that was asked for
- completeness: leaves out nothing that was asked for
- accuracy: what it states is true, its result is right (0 to 2 when the final result is wrong)
- fluency: reads well in its language
Length alone is no merit. Take 10 for what could not be better and 0 for what is useless.
"""
FORM = (
    "Reply with JSON only, one verdict for each answer:\n"
    '{"verdicts":[{"id":"A","coherence":0-10,"relevance":0-10,"completeness":0-10,"accuracy":0-10,'
    '"fluency":0-10,"reason":"one short sentence"}]}'
)
_SCORE = {"type": "number", "minimum": 0, "maximum": 10}
SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["verdicts"],
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", *(dimension.value for dimension in Dimension), "reason"],
                "properties": {
                    "id": {"type": "string"},
                    **{dimension.value: _SCORE for dimension in Dimension},
                    "reason": {"type": "string"},
                },
            },
        }
    },
}


def judge_prompt(judge: ModelSpec, request: Request, answers: Sequence[str]) -> Prompt:
    """Return the prompt that has `judge` score `answers` in this order, fitted to its context window."""
    tokens = judge.context_window - judge.max_output_tokens - ROOM_FOR_REST
    marked = blocks(request.text, request.system, answers, characters=max(0, tokens) * CHARACTERS_PER_TOKEN)
    return Prompt(
        messages=(
            Message(role="system", content=f"{RUBRIC}{DATA_ONLY}"),
            Message(role="user", content=f"{marked}\n\n{FORM}"),
        ),
        purpose=Purpose.JUDGE,
        temperature=None if Capability.REASONING in judge.capabilities else 0.0,
        response_schema=SCHEMA if Capability.JSON_SCHEMA in judge.capabilities else None,
    )
