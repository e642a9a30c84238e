"""Questions to start with: small tasks that the simulated models really solve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and what it is about."""

    title: str
    prompt: str


EXAMPLES = (
    Example("Percentage", "What is 17% of 2,300?"),
    Example("Units", "Convert 26.2 miles to kilometres."),
    Example("Date", "What day of the week was 20 July 1969?"),
    Example("Sorting", "Sort these numbers in ascending order: 42, 7, 19, 3, 88, 61"),
    Example("Counting", 'How many times does the letter "s" occur in "Mississippi"?'),
    Example(
        "Classifying",
        "Classify this review as positive, negative or neutral: "
        '"The battery died after two days and support never answered. I want my money back."',
    ),
)
