"""Weekdays, spans of time, shifted dates, leap years."""

import pytest

from orchestration.providers.simulated.question import read
from orchestration.providers.simulated.solvers.registry import solve

DATES = (
    ("What day of the week was July 20, 1969?", "Sunday"),
    ("What weekday is 2024-02-29?", "Thursday"),
    ("On which day of the week did 25 December 2023 fall?", "Monday"),
    ("How many days are there between 2024-01-01 and 2024-03-01?", "60"),
    ("How many days from March 3, 2024 to April 3, 2024?", "31"),
    ("What date is 10 days after 2024-02-25?", "2024-03-06"),
    ("What date is 30 days before March 1, 2023?", "2023-01-30"),
    ("Add 3 weeks to 2024-01-15.", "2024-02-05"),
    ("What is the date 2 months after 2023-12-31?", "2024-02-29"),
    ("Is 2024 a leap year?", "Yes"),
    ("Is 1900 a leap year?", "No"),
    ("If today is Monday, what day of the week will it be in 10 days?", "Thursday"),
    ("What day is 100 days after Tuesday?", "Thursday"),
    ("How many days are in February 2024?", "29"),
    ("How many weeks are between 2024-01-01 and 2024-01-29?", "4"),
    ("What day of the week is 10 days after 2024-02-25?", "Wednesday"),
    ("Which date is earlier: 2024-05-01 or 2023-06-01?", "2023-06-01"),
    ("How many leap years are there between 2000 and 2020?", "6"),
    ("How many days does April have?", "30"),
    ("Subtract 45 days from 2024-03-10. What is the date?", "2024-01-25"),
    ("What day of the week was 20 July 1969?", "Sunday"),
    ("On what day of the week does 2025-07-04 fall?", "Friday"),
    ("What was the weekday on 1 January 2000?", "Saturday"),
    ("Which weekday was March 15, 2021?", "Monday"),
    ("What day of the week will January 1, 2030 be?", "Tuesday"),
    ("How many days are between 1 March 2024 and 15 April 2024?", "45"),
    ("How many days passed from 2023-12-25 to 2024-01-05?", "11"),
    ("What is the number of days between 2020-02-01 and 2020-03-01?", "29"),
    ("What date comes 45 days after 2024-01-15?", "2024-02-29"),
    ("What is the date 100 days after January 1, 2024?", "2024-04-10"),
    ("What date was 14 days before 2024-03-05?", "2024-02-20"),
    ("Which date is 6 weeks after 2023-11-20?", "2024-01-01"),
    ("Was 2000 a leap year?", "Yes"),
    ("How many days are there in the year 2024?", "366"),
    ("If today is 2024-05-30, what date is it in 5 days?", "2024-06-04"),
    ("Today is Wednesday. What day will it be 17 days from now?", "Saturday"),
    ("What day comes 3 days before Sunday?", "Thursday"),
    ("What is the next leap year after 2024?", "2028"),
    ("What was the last leap year before 1901?", "1896"),
    ("Which of these years is a leap year: 2021, 2022, 2024?", "2024"),
    ("How many days are in a leap year?", "366"),
    ("How many days does February have in a leap year?", "29"),
    ("How many days has February in 2023?", "28"),
    ("How many leap years are there from 1900 to 2000?", "25"),
    ("How many days were there in 1999?", "365"),
    ("How many months are between 2023-01-15 and 2024-03-10?", "13"),
    ("How many full years are between 2000-05-05 and 2024-05-04?", "23"),
    ("If someone was born on 1990-06-15, how old are they on 2024-06-14?", "33"),
    ("How many weeks are there from 2024-01-01 to 2024-01-20?", "2.714286"),
    ("How many full weeks are there from 2024-01-01 to 2024-01-20?", "2"),
    ("How many days are there from 2024-01-01 to 2024-01-10 inclusive?", "10"),
    ("Which comes later, 2024-05-01 or 2023-06-01?", "2024-05-01"),
    ("What day of the week was 25/12/2023?", "Monday"),
    ("What day of the week was 12/25/2023?", "Monday"),
    ("What day of the week was 05/05/2024?", "Sunday"),
    ("Was 20 July 1969 a Sunday?", "Yes"),
    ("Was July 4, 1776 a Monday?", "No"),
    ("What date is 1 year after 2024-02-29?", "2025-02-28"),
    ("What date is 2 weeks and 3 days after 2024-01-01?", "2024-01-18"),
    ("Yesterday was Monday. What day will it be 9 days after Monday?", "Wednesday"),
)


@pytest.mark.parametrize(("question", "answer"), DATES)
def test_calendar_questions_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
