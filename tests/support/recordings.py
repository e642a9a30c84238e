"""Small recordings for tests, made of what each model says to each question."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.llm.providers.recorded.loading import Labelled, load_recording

MODELS = ("ada", "bob", "cyd")


def answer(model: str, says: str, reference: str = "", **fields: object) -> dict[str, Any]:
    """Return one answer as a line holds it: right when it says the reference."""
    told = {"model": model, "text": f"The answer is {says}.", "extracted": says, "correct": says == reference}
    return {**told, "score": None, "cost_usd": 0.001, "tokens": 10, **fields}


def line(number: int, said: Mapping[str, str], *, reference: str = "7", **fields: object) -> dict[str, Any]:
    """Return one question with what each model says to it."""
    told = {
        "dataset": "small",
        "item_id": f"q{number}",
        "task_type": "sums",
        "prompt": f"What is the number of stones in bag {number}?",
        "reference": reference,
        "prompt_tokens": 20,
        "answers": [answer(model, says, reference) for model, says in said.items()],
    }
    return {**told, **fields}


def lines(*columns: str, start: int = 0) -> list[dict[str, Any]]:
    """Return a question for each column; `"7 7 3"` is what ada, bob and cyd say, 7 being right."""
    return [
        line(number, dict(zip(MODELS, column.split(), strict=False)))
        for number, column in enumerate(columns, start)
    ]


def packed(given: Sequence[Mapping[str, Any]]) -> bytes:
    """Return lines as the bytes of a file."""
    return "".join(f"{json.dumps(each)}\n" for each in given).encode()


def recorded(given: Sequence[Mapping[str, Any]]) -> Labelled:
    """Return lines as they are loaded."""
    return load_recording(io.BytesIO(packed(given)), "small.jsonl")


def written(path: Path, given: Sequence[Mapping[str, Any]]) -> Path:
    """Write lines to a file, gzip if its name says so."""
    data = packed(given)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
