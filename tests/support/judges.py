"""What judge models write, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from orchestration.llm.engine.types import Prompt
from orchestration.strategies.engine.quality.rubrics import Dimension


def scores(*values: float) -> str:
    """Return a verdict that gives the n-th answer (A, B, ...) the n-th value on every dimension."""
    verdicts = [
        {"id": chr(ord("A") + place), **dict.fromkeys(Dimension, value), "reason": f"worth {value:g}"}
        for place, value in enumerate(values)
    ]
    return json.dumps({"verdicts": verdicts})


def by_text(**worth: float) -> Callable[[Prompt], str]:
    """Return a judge's reply that scores each answer by its text, wherever it stands."""

    def reply(prompt: Prompt) -> str:
        return scores(*(worth[text] for text in answers_in(prompt)))

    return reply


def answers_in(prompt: Prompt) -> list[str]:
    """Return the texts of the answer blocks of a prompt, in order."""
    return re.findall(r'<answer id="\w+">\n(.*?)\n</answer>', prompt.messages[-1].content, re.DOTALL)
