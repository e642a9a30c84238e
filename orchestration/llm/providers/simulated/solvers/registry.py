"""The solvers in the order in which they are tried: the ones that need most of a question come first."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.llm.providers.simulated.expression import NotAnExpression, evaluate
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution
from orchestration.llm.providers.simulated.solvers import (
    arithmetic,
    classifying,
    counting,
    extracting,
    extremes,
    occurrences,
    percentages,
    sorting,
    statistics,
    units,
)
from orchestration.llm.providers.simulated.solvers.choice import as_chosen, solve_choice
from orchestration.llm.providers.simulated.solvers.dates import between, leap, shift, weekday
from orchestration.llm.providers.simulated.solvers.options import Choice, MultipleChoice, read_choices
from orchestration.llm.providers.simulated.solvers.stories import groups, ledger, motion, purchase

Solver = Callable[[Question], Solution | None]

_EXTRACTS = re.compile(r"^(?:extract|find|list|identify|pull|sort|arrange|order|count|put)\b", re.IGNORECASE)
_CALENDAR: tuple[Solver, ...] = (shift.solve, between.solve, weekday.solve, leap.solve)


def _calendar(question: Question) -> Solution | None:
    """Solve what is about a date, not about a text that mentions some."""
    if _EXTRACTS.search(question.text):
        return None
    return next((found for solver in _CALENDAR if (found := solver(question)) is not None), None)


SOLVERS: tuple[Solver, ...] = (
    arithmetic.solve,
    classifying.solve,
    occurrences.solve,
    counting.solve,
    _calendar,
    extremes.solve,
    statistics.solve,
    sorting.solve,
    extracting.solve,
    units.solve,
    percentages.solve,
    motion.solve,
    purchase.solve,
    groups.solve,
    ledger.solve,
    arithmetic.solve_loosely,
)
MAX_LENGTH = 6_000
_LONGEST_WORD = re.compile(r"\S{250}")


def solve(question: Question) -> Solution | None:
    """Solve a question, None when it is out of every solver's reach."""
    if len(question.text) > MAX_LENGTH or _LONGEST_WORD.search(question.text):
        return None
    offer = read_choices(question.text)
    if offer:
        found = solve_choice(offer) or _solve_then_match(offer, question.places)
        if found:
            return found
    return _first(question)


def _first(question: Question) -> Solution | None:
    return next((found for solver in SOLVERS if (found := solver(question)) is not None), None)


def _solve_then_match(offer: MultipleChoice, places: int | None) -> Solution | None:
    """Solve the question in front of the options, then about the options, and find the one it says."""
    listed = f"{offer.stem.rstrip(' ?:.')}: {', '.join(choice.text for choice in offer.choices)}"
    for text in (offer.stem, listed, f"List the {listed}"):
        found = _first(Question(text, places))
        same = [choice for choice in offer.choices if found and _says(choice, found.answer)]
        if found and len(same) == 1:
            return as_chosen(same[0], offer.choices, found.working)
    return None


def _says(choice: Choice, answer: str) -> bool:
    if choice.text.casefold() == answer.casefold():
        return True
    try:
        return evaluate(choice.text.strip("$€£% ")) == evaluate(answer.strip("$€£% "))
    except NotAnExpression:
        return False
