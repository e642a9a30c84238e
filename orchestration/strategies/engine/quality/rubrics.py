"""Rubrics: the criteria that judges score answers by, their weights, and what judges are told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from orchestra_site.web.patterns import Pattern
from orchestration.llm.engine.types import Json

MIDDLE = 0.6
"""The score of a criterion that says neither good nor bad."""
NOT_IN_KEYS = Pattern(r"[^a-z0-9]+")
LONGEST_KEY = 40
RESERVED_KEYS = frozenset({"id", "reason", "verdicts"})
MOST_CRITERIA, MOST_EXAMPLES = 12, 5


class Dimension(StrEnum):
    """The five dimensions of an answer's quality."""

    COHERENCE = "coherence"
    RELEVANCE = "relevance"
    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    FLUENCY = "fluency"


def line(longest: int, *, least: int = 0) -> StringConstraints:
    """Return what a text of at most `longest` characters has to be."""
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=longest)


class Criterion(BaseModel):
    """One thing that is scored, with a relative weight; its score may be part of that of a dimension."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[str, line(60, least=1)]
    description: Annotated[str, line(500)] = ""
    weight: float = Field(default=1.0, gt=0, le=100)
    dimension: Dimension | None = None


class JudgedExample(BaseModel):
    """An answer to a question, and what a good judge says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Annotated[str, line(2_000, least=1)]
    answer: Annotated[str, line(4_000, least=1)]
    verdict: Annotated[str, line(1_000, least=1)]


class Rubric(BaseModel):
    """What a judge scores an answer by: each criterion from 0 to `points`.

    `guidance` is said to the judge before the criteria. `version` is 0 for the one that comes with Orchestra.
    Raises `ValidationError`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, line(60, least=1)]
    version: int = 0
    description: Annotated[str, line(300)] = ""
    guidance: Annotated[str, line(2_000)] = ""
    points: Literal[5, 10, 100] = 10
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=MOST_CRITERIA)]
    examples: Annotated[tuple[JudgedExample, ...], Field(max_length=MOST_EXAMPLES)] = ()

    @model_validator(mode="after")
    def check_names(self) -> Self:
        """Refuse two criteria of one name."""
        names = [each.name.casefold() for each in self.criteria]
        if len(names) != len(set(names)):
            raise ValueError("Two criteria have the same name.")
        return self

    @cached_property
    def keys(self) -> Mapping[str, Criterion]:
        """The criteria by the key that a verdict has for each: its name in plain letters, else its number."""
        found: dict[str, Criterion] = {}
        for number, criterion in enumerate(self.criteria, start=1):
            key = NOT_IN_KEYS.sub("_", criterion.name.lower()).strip("_")[:LONGEST_KEY]
            unusable = not key or key in RESERVED_KEYS or key in found
            found[f"criterion_{number}" if unusable else key] = criterion
        return found

    def score(self, scores: Mapping[str, float]) -> float:
        """Return the weighted mean of scores by key, 0 to 1; a criterion without one counts as the middle."""
        return _mean((scores.get(key, MIDDLE), each.weight) for key, each in self.keys.items())

    def dimension(self, scores: Mapping[str, float], dimension: Dimension) -> float | None:
        """Return the weighted mean of the criteria that stand for a dimension, None where none was scored."""
        found = [
            (scores[key], each.weight)
            for key, each in self.keys.items()
            if each.dimension is dimension and key in scores
        ]
        return _mean(found) if found else None


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    pairs = list(weighted)
    return sum(score * weight for score, weight in pairs) / sum(weight for _, weight in pairs)


def rubric_changes(old: Rubric, new: Rubric) -> list[str]:
    """Return what differs between two rubrics, in sentences."""
    before, after = ({each.name: each for each in rubric.criteria} for rubric in (old, new))
    texts = {"name": "The name", "description": "What it is for", "guidance": "What is said first"}
    said = [f"{words} changed." for key, words in texts.items() if getattr(old, key) != getattr(new, key)]
    if old.points != new.points:
        said.append(f"The scale is 0 to {new.points}, it was 0 to {old.points}.")
    said += [f"{name} was taken out." for name in before if name not in after]
    added = [each for name, each in after.items() if name not in before]
    said += [f"{each.name} was added, with weight {each.weight:g}." for each in added]
    for name, other in after.items():
        one = before.get(name, other)
        if one.weight != other.weight:
            said.append(f"{name} weighs {other.weight:g}, it weighed {one.weight:g}.")
        if (one.description, one.dimension) != (other.description, other.dimension):
            said.append(f"What {name} means changed.")
    return [*said, *(["The examples changed."] if old.examples != new.examples else [])]


FIVE_DIMENSIONS = Rubric(
    name="Five dimensions",
    description="Comes with Orchestra: what is right counts most.",
    guidance="Work out the right answer yourself first.",
    criteria=tuple(
        Criterion(name=dimension.value, description=words, weight=weight, dimension=dimension)
        for dimension, weight, words in (
            (Dimension.COHERENCE, 0.5, "hangs together, does not contradict itself"),
            (Dimension.RELEVANCE, 0.5, "answers what was asked, in the form that was asked for"),
            (Dimension.COMPLETENESS, 0.5, "leaves out nothing that was asked for"),
            (
                Dimension.ACCURACY,
                5.0,
                "what it states is true, its result is right (0 to 2 when the final result is wrong)",
            ),
            (Dimension.FLUENCY, 0.5, "reads well in its language"),
        )
    ),
)
"""The weights are set by hand so that 9 of 10 moves the estimate to 0.95, see `scoring`."""


def frozen_rubric(stored: Mapping[str, Json] | None) -> Rubric:
    """Return the rubric that a run was frozen with, the one that comes with Orchestra where there is none."""
    return FIVE_DIMENSIONS if stored is None else Rubric.model_validate(stored)
