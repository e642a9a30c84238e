"""The weekday of a date."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, chosen
from orchestration.llm.providers.simulated.solvers.dates.reading import WEEKDAYS, dates_in, in_words
from orchestration.llm.providers.simulated.solvers.dates.shift import ASKS_WEEKDAY

_IS_IT = re.compile(rf"^(?:is|was|will|does|did)\b.*\b({'|'.join(WEEKDAYS)})\b", re.IGNORECASE | re.DOTALL)


def solve(question: Question) -> Solution | None:
    """Name the weekday of the one date in the question."""
    days = dates_in(question.text)
    if len(days) != 1:
        return None
    day = days[0][0]
    working = (
        f"Count the days from a known date to {in_words(day)} and keep the remainder after division by 7"
    )
    claimed = _IS_IT.search(question.text)
    if claimed:
        true = WEEKDAYS[day.weekday()].lower() == claimed[1].lower()
        return chosen("Yes" if true else "No", ("Yes", "No"), working)
    if not ASKS_WEEKDAY.search(question.text):
        return None
    return chosen(WEEKDAYS[day.weekday()], WEEKDAYS, working)
