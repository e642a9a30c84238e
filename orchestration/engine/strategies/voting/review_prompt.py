"""What a reviewer is asked: to rank anonymous answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestration.engine.consensus.ballots import RuleName
from orchestration.engine.quality.prompts import CHARACTERS_PER_TOKEN, DATA_ONLY, ROOM_FOR_REST, blocks, label
from orchestration.engine.types import Capability, Json, Message, ModelSpec, Prompt, Purpose, Request

TASK = """You rank answers to a question. You do not know who wrote them, and their order means nothing.
Work out the right answer yourself first. Then rank the answers from best to worst: first by whether what
they state and conclude is right, then by how completely and clearly they answer what was asked.
Length alone is no merit.
"""
APPROVE = "Also list the answers that you approve of: those that are right. There may be several, or none.\n"


def review_prompt(reviewer: ModelSpec, request: Request, answers: Sequence[str], rule: RuleName) -> Prompt:
    """Return the prompt that has `reviewer` rank `answers` in this order, fitted to its context window."""
    tokens = reviewer.context_window - reviewer.max_output_tokens - ROOM_FOR_REST
    marked = blocks(request.text, request.system, answers, characters=max(0, tokens) * CHARACTERS_PER_TOKEN)
    labels = [label(number) for number in range(len(answers))]
    approving = rule is RuleName.APPROVAL
    return Prompt(
        messages=(
            Message(role="system", content=f"{TASK}{APPROVE if approving else ''}{DATA_ONLY}"),
            Message(role="user", content=f"{marked}\n\n{_form(labels, approving=approving)}"),
        ),
        purpose=Purpose.RANK,
        temperature=None if Capability.REASONING in reviewer.capabilities else 0.0,
        response_schema=_schema(labels, approving=approving)
        if Capability.JSON_SCHEMA in reviewer.capabilities
        else None,
    )


def _form(labels: Sequence[str], *, approving: bool) -> str:
    example = ",".join(f'"{each}"' for each in reversed(labels))
    approved = f',"approved":["{labels[-1]}"]' if approving else ""
    return (
        "Reply with JSON only, every answer once, the best first:\n"
        f'{{"ranking":[{example}]{approved},"confidence":0-1,"reason":"one short sentence"}}'
    )


def _schema(labels: Sequence[str], *, approving: bool) -> Mapping[str, Json]:
    some = {"type": "array", "items": {"type": "string", "enum": list(labels)}}
    fields: dict[str, Json] = {
        "ranking": some,
        **({"approved": some} if approving else {}),
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "reason": {"type": "string"},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(fields),
        "properties": fields,
    }
