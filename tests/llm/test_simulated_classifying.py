"""Classifying by given labels."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

CLASSIFYING = (
    (
        (
            'Classify the sentiment of this review as positive, negative or neutral: "I love this phone, '
            'it is great."'
        ),
        "positive",
    ),
    (
        (
            "Classify the following text as positive or negative: The food was terrible and the service "
            "was slow."
        ),
        "negative",
    ),
    ('Is the sentiment of "What a wonderful day" positive or negative?', "positive"),
    (
        "Classify into one of: sports, politics, technology. Text: The team won the match with a late goal.",
        "sports",
    ),
    (
        (
            'Categories: billing, technical, shipping. Message: "My package has not arrived yet." Which '
            "category fits best?"
        ),
        "shipping",
    ),
    (
        (
            "Classify this headline into one of these categories: sports, business, "
            'science.\n\n"Scientists discover new planet with telescope"'
        ),
        "science",
    ),
    ('Which label fits: spam or not spam? "Congratulations, you won a free prize, click now!"', "spam"),
    ("Labels: [urgent, not urgent]\nText: The server is down, fix it immediately!", "urgent"),
    ('"The president signed the new law" - sports, politics or business?', "politics"),
    (
        (
            "Classify the following sentence as positive, negative, or neutral.\n\nSentence: The meeting "
            "is at noon.\n\nLabel:"
        ),
        "neutral",
    ),
    (
        (
            'Classify this review as positive, negative or neutral: "The battery died after two days and '
            'support never answered. I want my money back."'
        ),
        "negative",
    ),
    ('Is this review positive or negative? "Terrible quality, it broke after one day."', "negative"),
    ('What is the sentiment (positive, negative, neutral) of: "I absolutely love it!"', "positive"),
    (
        (
            "Classify the text into one of these categories: sports, politics, technology, food. Text: "
            '"The new smartphone has a faster chip and better battery."'
        ),
        "technology",
    ),
    (
        (
            'Choose the best label for this text from [sports, finance, weather]: "Heavy rain and strong '
            'wind are expected tomorrow."'
        ),
        "weather",
    ),
    ('Label the following message as spam or ham: "Win a free prize now! Click here"', "spam"),
    (
        (
            'Which category does this belong to: billing, technical, shipping? "I was charged twice on '
            'my credit card."'
        ),
        "billing",
    ),
    (
        (
            'Text: "The chef added salt and butter to the sauce."\nLabels: food, travel, sports\nWhich '
            "label fits?"
        ),
        "food",
    ),
    ('Classify as question or complaint: "The product is broken and I am very angry."', "complaint"),
    ('Classify the animal, fruit or vehicle: "banana"', "fruit"),
    ('Categorize the word "truck" as animal, fruit or vehicle.', "vehicle"),
    (
        (
            "Determine whether the following review is positive or negative: The staff were friendly and "
            "the room was clean."
        ),
        "positive",
    ),
    ('Assign one of the labels positive/negative to: "Not good at all."', "negative"),
    ('Does this text belong to sports or other? "The bird sang."', "other"),
    ('Classify into sports, politics or other: "The bird sang."', "other"),
    ('Is the tone angry, happy or sad? "I am so delighted, I could celebrate all day!"', "happy"),
    (
        'Which language is this: English, German or French? "Der Hund ist nicht groß und die Katze schläft."',
        "German",
    ),
    ('Classify: "I hate waiting in line." Labels: positive, negative, neutral.', "negative"),
    ('Sentiment (positive/negative): "What a great movie!"', "positive"),
    (
        "Classify the following review.\nLabels: positive, negative\nReview: The hotel was dirty and noisy.",
        "negative",
    ),
    ('Is the following message spam or not spam? "Claim your free prize now!!!"', "spam"),
    (
        (
            'Classify the topic of the text. Options: sports, science, politics. Text: "NASA launched a '
            'new telescope to study distant galaxies."'
        ),
        "science",
    ),
    (
        (
            'Assign this ticket to one of: billing, technical, account. Ticket: "I forgot my password '
            'and cannot log in."'
        ),
        "account",
    ),
    (
        'Text: "The stock market fell as investors sold shares." Choose a label: business, sports, health.',
        "business",
    ),
)


@pytest.mark.parametrize(("question", "answer"), CLASSIFYING)
def test_classifications_by_given_labels_are_found_however_they_are_asked_for(
    question: str, answer: str
) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
