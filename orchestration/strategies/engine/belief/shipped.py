"""The belief that ships: coefficients learned from recorded answers, and records from a team's profiles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from orchestration.llm.engine.types import ModelSpec
from orchestration.strategies.engine.belief.model import AnswerRecord, Belief, NextTerm, Term, Tried
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Profile, expectation

FILE = Path(__file__).with_name("shipped.json")
"""Coefficients by term, and where they are from; `python -m benchmarks.belief --ship` writes it."""


@cache
def shipped_belief() -> Belief:
    """Return the belief of a team without records."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return Belief(
        coefficients={Term(name): value for name, value in stored["coefficients"].items()},
        following={NextTerm(name): value for name, value in stored["following"].items()},
    )


def belief_of_team(specs: Iterable[ModelSpec], profiles: Mapping[str, Sequence[Profile]]) -> Belief:
    """Return the shipped belief with models' records of judges and ratings, and the priors of their tiers."""
    records, seeming = {}, {}
    for spec in specs:
        known = {each.task.label: each for each in profiles.get(spec.name, ())}
        prior = expectation(spec, TaskType.GENERATION).quality
        graded = {label: Tried(right=each.right, seen=each.graded) for label, each in known.items()}
        estimated = {label: Tried(right=each.estimated, seen=each.evidence) for label, each in known.items()}
        records[spec.name] = AnswerRecord(prior=prior, by_task=graded)
        seeming[spec.name] = AnswerRecord(prior=prior, by_task=estimated)
    return replace(shipped_belief(), records=records, seeming=seeming)
