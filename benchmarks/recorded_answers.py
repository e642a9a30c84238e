"""Recorded answers of real models on labelled questions, as scripts that measure quality read them."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.strategies.engine.consensus.answers import read_answer, read_question
from orchestration.strategies.engine.consensus.extraction import extract_answer

DATA = Path(__file__).parents[2] / "shared" / "data"
MIXED = ("zeroeval_gsm8k", "zeroeval_math_l5", "zeroeval_crux")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A final answer as we read it and as the recording gives it, each with whether it is right."""

    ours: str | None
    ours_right: bool
    given: str | None
    given_right: bool


Item = Mapping[str, Answer]
"""One question: the answer of each model."""


def panels(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the named panels."""
    found: Mapping[str, Sequence[str]] = json.loads((folder / "panels.json").read_text(encoding="utf-8"))
    return found


def items(folder: Path, name: str, models: frozenset[str]) -> Iterator[Item]:
    """Yield the questions of one recording with the answers of `models`."""
    with gzip.open(folder / f"{name}.dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            recorded = json.loads(line)
            right = _key(recorded["reference"], recorded["prompt"])
            yield {
                each["model"]: _answer(each, recorded["prompt"], right)
                for each in recorded["answers"]
                if each["model"] in models
            }


def _key(reference: str, question: str) -> str | None:
    found = read_answer(reference, read_question(question))
    return found.key if found else None


def _answer(recorded: Mapping[str, object], question: str, right: str | None) -> Answer:
    found = extract_answer(str(recorded["text"] or ""), question=question)
    given = recorded["extracted"]
    return Answer(
        ours=found.key if found else None,
        ours_right=found is not None and found.key == right,
        given=None if given is None else str(given),
        given_right=bool(recorded["correct"]),
    )


def folder_or_exit(folder: Path) -> Path:
    """Return the folder; where there are no recordings, say so and end."""
    if not (folder / "panels.json").exists():
        print(f"No recorded answers in {folder}: give their folder with --data.")
        sys.exit(0)
    return folder
