"""What a dearer model is asked when it is shown the answers so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestration.engine.model import ChatModel
from orchestration.engine.quality.prompts import DATA_ONLY, blocks
from orchestration.engine.types import Candidate, Message, Prompt, Request

CHARACTERS_PER_TOKEN = 3
TASK = """You are given a question and draft answers to it, which may be wrong.
Answer the question yourself. Use what is right in the drafts and leave what is not; do not mention them.
"""


def with_drafts(prompt: Prompt, request: Request, drafts: Sequence[Candidate], model: ChatModel) -> Prompt:
    """Return `prompt` with the drafts, anonymous and marked as data; as it is where there are none."""
    if not drafts:
        return prompt
    room = max(0, model.spec.context_window - model.spec.max_output_tokens) * CHARACTERS_PER_TOKEN
    marked = blocks(request.text, request.system, [draft.text for draft in drafts], characters=room)
    system = Message(role="system", content=f"{TASK}{DATA_ONLY}")
    return replace(prompt, messages=(system, Message(role="user", content=marked)))
