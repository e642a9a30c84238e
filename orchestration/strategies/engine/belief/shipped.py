"""What a team believes: coefficients, its own or those that ship, and records from its models' profiles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path

from orchestration.llm.engine.types import Json, ModelSpec
from orchestration.strategies.engine.belief.model import NOTHING, AnswerRecord, Belief, Term, Tried
from orchestration.strategies.engine.belief.reading import Form
from orchestration.strategies.engine.classification import TaskType
from orchestration.strategies.engine.profiles import Profile, expectation

FILE = Path(__file__).with_name("shipped.json")
"""Coefficients by term, and where they are from; `python -m benchmarks.belief --ship` writes it."""


@cache
def shipped_belief() -> Belief:
    """Return the belief of a team without records."""
    return _read_coefficients(json.loads(FILE.read_text(encoding="utf-8")))


def _read_coefficients(stored: Mapping[str, Json]) -> Belief:
    kinds = stored.get("hedging_kinds")
    return Belief(
        coefficients={Term(name): value for name, value in stored["coefficients"].items()},
        hedging_kinds=None if kinds is None else frozenset(kinds),
        forms={
            kind: {Form(name): value for name, value in each.items()}
            for kind, each in stored.get("forms", {}).items()
        },
    )


def belief_of_team(
    specs: Iterable[ModelSpec],
    profiles: Mapping[str, Sequence[Profile]],
    own: Mapping[str, Json] | None = None,
) -> Belief:
    """Return a belief with models' records of judges and ratings, and the priors of their tiers.

    Its coefficients are those that ship, or the team's `own`, as they are stored.
    """
    belief = _read_coefficients(own) if own else shipped_belief()
    offsets: Mapping[str, Mapping[str, float]] = own.get("offsets", {}) if own else {}
    records, seeming = {}, {}
    for spec in specs:
        known, prior = profiles.get(spec.name, ()), expectation(spec, TaskType.GENERATION).quality
        records[spec.name] = AnswerRecord(
            prior=prior,
            by_task={each.task.label: Tried(right=each.right, seen=each.graded) for each in known},
            by_kind=_added(each.graded_kinds for each in known),
            offsets=offsets.get(spec.name, {}),
        )
        seeming[spec.name] = AnswerRecord(
            prior=prior,
            by_task={each.task.label: Tried(right=each.estimated, seen=each.evidence) for each in known},
            by_kind=_added(each.seeming_kinds for each in known),
        )
    known_kinds = [each.by_kind for each in records.values()]
    kinds = _added([*known_kinds, *({"": tried} for each in known_kinds for tried in each.values())])
    return replace(belief, records=records, seeming=seeming, kinds=kinds)


def _added(parts: Iterable[Mapping[str, Tried]]) -> Mapping[str, Tried]:
    """Return the sums of records by kind of question."""
    sums: dict[str, Tried] = {}
    for kind, each in chain.from_iterable(part.items() for part in parts):
        sums[kind] = sums.get(kind, NOTHING).plus(each.right, each.seen)
    return sums
