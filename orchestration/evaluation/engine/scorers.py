"""Scorers: whether an answer is right, by its reference. Pure, and linear in the length of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isfinite

import re2
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz.distance import Indel

from orchestra_site.web.patterns import IGNORECASE, Flag, Pattern
from orchestration.expressions.embedded import decoded, json_values, unfenced
from orchestration.llm.engine.types import Json
from orchestration.strategies.engine.consensus.answers import AnswerKind, read_answer, read_question
from orchestration.strategies.engine.consensus.extraction import extract_answer
from orchestration.strategies.engine.consensus.grouping import same_answer
from orchestration.strategies.engine.consensus.spelling import measured_value, number_value, only_number
from orchestration.strategies.engine.options import ModelName

LONGEST_COMPARED = 8_000
"""Characters of two texts whose similarity is computed: that takes time by the product of their lengths."""
LONGEST_PATTERN = 1_000
DEEPEST = 50
"""Levels of JSON that are compared."""
SHOWN = 80


class ScorerKind(StrEnum):
    """How an answer is compared with its reference."""

    ANSWER = "answer"
    EXACT = "exact"
    NUMBER = "number"
    CHOICE = "choice"
    CONTAINS = "contains"
    REGEX = "regex"
    JSON = "json"
    SIMILARITY = "similarity"
    JUDGE = "judge"


TITLES: Mapping[ScorerKind, str] = {
    ScorerKind.ANSWER: "Final answer: what the answer comes to equals the reference, however it is worded",
    ScorerKind.EXACT: "Exact: the whole answer is the reference",
    ScorerKind.NUMBER: "Number: the final number is the reference, within a tolerance",
    ScorerKind.CHOICE: "Choice: the letter of the chosen option is the reference",
    ScorerKind.CONTAINS: "Contains: the answer has each line of the reference in it",
    ScorerKind.REGEX: "Pattern: the regular expression in the reference matches",
    ScorerKind.JSON: "JSON: the answer has the same value as the reference",
    ScorerKind.SIMILARITY: "Similarity: the answer reads much like the reference",
    ScorerKind.JUDGE: "Judge: a model scores the answer by a rubric, which costs calls",
}


class ItemScorer(BaseModel):
    """A scorer with its settings; each kind reads those that concern it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: ScorerKind = Field(default=ScorerKind.ANSWER, title="Scorer")
    ignore_case: bool = Field(
        default=True,
        title="Ignore capitals",
        description="For exact, contains and pattern: A and a are the same.",
    )
    tolerance: float = Field(
        default=0.0,
        ge=0,
        le=1e12,
        title="Tolerance",
        description="For numbers: how far from the reference a number may be.",
    )
    relative: float = Field(
        default=0.0,
        ge=0,
        le=1,
        title="Relative tolerance",
        description="For numbers: the same as a share of the reference; the larger of the two counts.",
    )
    threshold: float = Field(
        default=0.8,
        ge=0,
        le=1,
        title="Threshold",
        description="For similarity and judges: the score from which on an answer counts as right.",
    )
    judge: ModelName | None = Field(
        default=None,
        title="Judge",
        description="For judges: the model that scores, best not one of the panel.",
    )
    rubric: str = Field(
        default="",
        max_length=4_000,
        title="Rubric",
        description="For judges: what makes an answer right. The reference, if there is one, is added.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether an answer is right, its score from 0 to 1, and why in words."""

    correct: bool
    score: float
    reason: str


def _plainly(*, correct: bool, reason: str) -> Verdict:
    """Return a verdict that knows right and wrong alone."""
    return Verdict(correct=correct, score=float(correct), reason=reason)


def _answer(_scorer: ItemScorer, answer: str, reference: str, question: str) -> Verdict:
    wanted = read_answer(reference, read_question(question))
    stated = extract_answer(answer, question=question)
    if wanted is None or stated is None:
        said = "No final answer can be read in it." if stated is None else ""
        return _plainly(correct=_plain(answer, fold=True) == _plain(reference, fold=True), reason=said)
    return _plainly(correct=same_answer(stated, wanted), reason=f"Its final answer: {_shown(stated.raw)}")


def _exact(scorer: ItemScorer, answer: str, reference: str, _question: str) -> Verdict:
    fold = scorer.ignore_case
    return _plainly(correct=_plain(answer, fold=fold) == _plain(reference, fold=fold), reason="")


def _number(scorer: ItemScorer, answer: str, reference: str, question: str) -> Verdict:
    wanted = _value(reference)
    stated = extract_answer(answer, question=question)
    found = None if stated is None else _value(stated.raw)
    if found is None:
        found = _value(answer)
    if found is None or wanted is None:
        return _plainly(correct=False, reason="No number can be read in it.")
    margin = max(Fraction(scorer.tolerance), Fraction(scorer.relative) * abs(wanted))
    shown = "" if stated is None else f"Its number: {_shown(stated.raw)}"
    return _plainly(correct=abs(found - wanted) <= margin, reason=shown)


def _value(text: str) -> Fraction | None:
    readings: tuple[Callable[[str], Fraction | None], ...] = (number_value, measured_value, only_number)
    return next((value for read in readings if (value := read(text.strip())) is not None), None)


def _choice(_scorer: ItemScorer, answer: str, reference: str, question: str) -> Verdict:
    wanted = _letter(reference, question)
    stated = extract_answer(answer, question=question)
    found = "" if stated is None else _letter(stated.raw, question)
    if not found:
        return _plainly(correct=False, reason="No chosen option can be read in it.")
    return _plainly(correct=found == wanted, reason=f"It chose {found.upper()}.")


def _letter(text: str, question: str) -> str:
    """Return the letter of an option that `text` names, as "B", "(B)" or in the option's own words."""
    read = read_answer(text, read_question(question))
    if read is not None and read.kind is AnswerKind.CHOICE:
        return read.key.casefold()
    letters = text.strip().strip("().[]: ")
    return letters.casefold() if len(letters) == 1 and letters.isalpha() else ""


def _contains(scorer: ItemScorer, answer: str, reference: str, _question: str) -> Verdict:
    text = _plain(answer, fold=scorer.ignore_case)
    wanted = [line for line in reference.splitlines() if line.strip()]
    lacking = [line for line in wanted if _plain(line, fold=scorer.ignore_case) not in text]
    return _plainly(
        correct=bool(wanted) and not lacking, reason=f"It lacks {_shown(lacking[0])}" if lacking else ""
    )


def _regex(scorer: ItemScorer, answer: str, reference: str, _question: str) -> Verdict:
    pattern = Pattern(reference, IGNORECASE if scorer.ignore_case else Flag.NONE)
    found = pattern.search(answer)
    return _plainly(
        correct=found is not None,
        reason="Nothing matches." if found is None else f"This matches: {_shown(found.group())}",
    )


def _json(_scorer: ItemScorer, answer: str, reference: str, _question: str) -> Verdict:
    found = _values(answer)
    if not found:
        return _plainly(correct=False, reason="There is no JSON in it.")
    shown = json.dumps(found[-1], ensure_ascii=False)
    return _plainly(correct=same_value(found[-1], decoded(reference)), reason=f"Its JSON: {_shown(shown)}")


def _values(answer: str) -> list[Json]:
    """Return the whole answer as JSON, or else the objects and lists in it."""
    try:
        return [decoded(unfenced(answer))]
    except (ValueError, RecursionError):
        return list(json_values(answer))


def same_value(first: Json, second: Json, depth: int = 0) -> bool:
    """Return whether two JSON values are equal: numbers by their value, keys in any order.

    True and 1 differ, and what is nested more than 50 levels deep counts as different.
    """
    if depth > DEEPEST or isinstance(first, bool) is not isinstance(second, bool):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            same_value(each, second[name], depth + 1) for name, each in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(
            same_value(one, other, depth + 1) for one, other in zip(first, second, strict=True)
        )
    return bool(first == second)


def _similarity(scorer: ItemScorer, answer: str, reference: str, _question: str) -> Verdict:
    texts = [_plain(each[:LONGEST_COMPARED], fold=True) for each in (answer, reference)]
    score = Indel.normalized_similarity(*texts)
    return Verdict(correct=score >= scorer.threshold, score=score, reason=f"Similarity {score:.0%}.")


CHECKS: Mapping[ScorerKind, Callable[[ItemScorer, str, str, str], Verdict]] = {
    ScorerKind.ANSWER: _answer,
    ScorerKind.EXACT: _exact,
    ScorerKind.NUMBER: _number,
    ScorerKind.CHOICE: _choice,
    ScorerKind.CONTAINS: _contains,
    ScorerKind.REGEX: _regex,
    ScorerKind.JSON: _json,
    ScorerKind.SIMILARITY: _similarity,
}
"""What compares two texts, by the kind of scorer; a judge is asked instead."""


def verdict(scorer: ItemScorer, answer: str, reference: str, question: str) -> Verdict:
    """Compare an answer with its reference, for a scorer that asks no model; the reference fits it."""
    return CHECKS[scorer.kind](scorer, answer, reference, question)


def reference_problem(scorer: ItemScorer, reference: str, question: str) -> str:
    """Return why a scorer cannot use a reference, in words; empty where it can."""
    if scorer.kind is ScorerKind.JUDGE:
        return ""
    if not reference.strip():
        return "The reference is empty."
    problem = _PROBLEMS.get(scorer.kind)
    return problem(reference, question) if problem is not None else ""


def _number_problem(reference: str, _question: str) -> str:
    return "" if _value(reference) is not None else "The reference is no number."


def _choice_problem(reference: str, question: str) -> str:
    return "" if _letter(reference, question) else "The reference is no letter of an option."


def _regex_problem(reference: str, _question: str) -> str:
    if len(reference) > LONGEST_PATTERN:
        return f"The expression has more than {LONGEST_PATTERN:,} characters."
    try:
        Pattern(reference)
    except (re2.error, ValueError, IndexError) as error:
        return f"The reference is no regular expression that RE2 reads: {str(error)[:SHOWN]}"
    return ""


def _json_problem(reference: str, _question: str) -> str:
    try:
        value = decoded(reference)
    except (ValueError, RecursionError):
        return "The reference is no JSON."
    numbers_are_finite = not isinstance(value, float) or isfinite(value)
    return "" if numbers_are_finite else "The reference is no JSON."


_PROBLEMS: Mapping[ScorerKind, Callable[[str, str], str]] = {
    ScorerKind.NUMBER: _number_problem,
    ScorerKind.CHOICE: _choice_problem,
    ScorerKind.REGEX: _regex_problem,
    ScorerKind.JSON: _json_problem,
}


def _plain(text: str, *, fold: bool) -> str:
    words = " ".join(text.split())
    return words.casefold() if fold else words


def _shown(text: str) -> str:
    words = " ".join(text.split())
    return f"“{words}”" if len(words) <= SHOWN else f"“{words[:SHOWN]}…”"
