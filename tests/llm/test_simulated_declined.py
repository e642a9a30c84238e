"""What is out of reach is declined, not guessed at."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

DECLINED = (
    "What is the capital of France?",
    "Write a poem about the sea.",
    "Who wrote Hamlet?",
    "Explain how photosynthesis works.",
    "What's the weather today?",
    "Is it true that the earth is flat?",
    "Summarise the French revolution.",
    'Translate "good morning" to German.',
    "What is the meaning of life?",
    "Write a Python function that adds two numbers.",
    "What is the largest of 7?",
    "How many days are in February?",
    "What day of the week was 03/04/2024?",
    "What day of the week was 2023-02-29?",
    "What date is 10 business days after 2024-01-01?",
    "What date is 99999 years after 2024-01-01?",
    "What is 3 dozen?",
    "How many nickels are in a dollar?",
    "What is 5 kg in meters?",
    "What is the sum of the squares of 3 and 4?",
    "Solve for x: 2x + 3 = 7",
    "Is 91 prime?",
    'Classify this text as toxic or helpful: "xyzzy plugh"',
    "Which is the capital of Peru? A) Lima B) Quito",
    "A teacher has 4 shelves with 12 books each. How many books does the teacher have?",
)


@pytest.mark.parametrize("question", DECLINED)
def test_what_needs_more_than_the_question_holds_is_declined(question: str) -> None:
    assert solve(read(question)) is None
