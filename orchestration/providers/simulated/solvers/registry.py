"""The solvers in the order in which they are tried: the ones that need most of a question come first."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestration.providers.simulated.expression import NotAnExpression, evaluate
from orchestration.providers.simulated.question import Question
from orchestration.providers.simulated.solution import Solution
from orchestration.providers.simulated.solvers import (
    arithmetic,
    classifying,
    counting,
    extracting,
    occurrences,
    percentages,
    sorting,
    statistics,
    stories,
    units,
)
from orchestration.providers.simulated.solvers.choice import as_chosen, solve_choice
from orchestration.providers.simulated.solvers.dates import between, leap, shift, weekday
from orchestration.providers.simulated.solvers.options import Choice, MultipleChoice, read_choices

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
    statistics.solve,
    sorting.solve,
    extracting.solve,
    units.solve,
    percentages.solve,
    stories.solve,
    arithmetic.solve_loosely,
)
MAX_LENGTH = 20_000


def solve(question: Question) -> Solution | None:
    """Solve a question, None when it is out of every solver's reach."""
    if len(question.text) > MAX_LENGTH:
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
    """Solve the question in front of the options and find the option that says the same."""
    found = _first(Question(offer.stem, places))
    if found is None:
        return None
    same = [choice for choice in offer.choices if _says(choice, found.answer)]
    return as_chosen(same[0], offer.choices, found.working) if len(same) == 1 else None


def _says(choice: Choice, answer: str) -> bool:
    if choice.text.casefold() == answer.casefold():
        return True
    try:
        return evaluate(choice.text.strip("$€£% ")) == evaluate(answer.strip("$€£% "))
    except NotAnExpression:
        return False
