"""Classifying by given labels and choosing by given facts."""

import pytest

from orchestration.providers.simulated.question import read
from orchestration.providers.simulated.solvers.registry import solve

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
)
CHOICE = (
    (
        (
            "Facts: The red box holds apples. The blue box holds pears. The green box holds "
            "plums.\nQuestion: Which box holds pears?\nA) red\nB) blue\nC) green"
        ),
        "B",
    ),
    (
        (
            "Facts: Anna lives in Rome. Ben lives in Oslo. Carl lives in Lima. Where does Ben live? A) "
            "Rome B) Oslo C) Lima"
        ),
        "B",
    ),
    ("Anna is taller than Ben. Ben is taller than Carl. Who is the tallest? A) Ben B) Carl C) Anna", "C"),
    ("Anna is older than Ben. Carl is older than Anna. Who is youngest? A) Anna B) Ben C) Carl", "B"),
    (
        (
            "Anna has 5 apples, Ben has 7 apples and Carl has 3 apples. Who has the most apples? (A) "
            "Anna (B) Ben (C) Carl"
        ),
        "B",
    ),
    ("What is 7 * 8? A) 54 B) 56 C) 58", "B"),
    (
        (
            "The key is in the red box. The red box is in the kitchen. The blue box is in the cellar. In "
            "which room is the key? A) cellar B) kitchen"
        ),
        "B",
    ),
    (
        (
            "Given: The meeting was moved to Thursday. The report is due on Monday. When is the report "
            "due? Options: Monday, Tuesday, Thursday"
        ),
        "Monday",
    ),
    (
        (
            "Maria is a baker. She lives in Rome. Tom is a pilot. He lives in Oslo. What is Tom's "
            "job?\na) baker\nb) pilot"
        ),
        "b",
    ),
    (
        (
            "Facts:\n- Alice owns a cat.\n- Bob owns a dog.\n- Carol owns a parrot.\n\nQuestion: Who "
            "owns the dog?\nA. Alice\nB. Bob\nC. Carol"
        ),
        "B",
    ),
    (
        (
            "The library opens at 9. The museum opens at 10. The zoo opens at 8. Which place opens "
            "first?\nA) library\nB) museum\nC) zoo"
        ),
        "C",
    ),
    (
        (
            "Read: \"Paul's car is red. Nina's car is green.\" What colour is Nina's car? A) red B) "
            "green C) blue"
        ),
        "B",
    ),
    (
        (
            "Given that the blue team scored 12 points and the red team scored 15 points, which team "
            "scored more? A) blue B) red"
        ),
        "B",
    ),
    (
        (
            "Facts: All the keys are in the drawer. The drawer is in the bedroom. The lamp is in the "
            "hall. Question: Where is the lamp? Options: A) drawer, B) hall, C) bedroom"
        ),
        "B",
    ),
    ("Sam is faster than Tim. Tim is faster than Joe. Who is the slowest? A) Sam B) Tim C) Joe", "C"),
    ("Which number is even? A) 3 B) 8 C) 11", "B"),
    ("What is 15% of 60? A) 6 B) 9 C) 12 D) 15", "B"),
    ("Which word comes first alphabetically? A) pear B) apple C) fig", "B"),
    (
        (
            "Facts: Zara works in finance. Otto works in sales. In which department does Otto work? "
            "Choose one: finance, sales."
        ),
        "sales",
    ),
    ("Kim is shorter than Lee. Lee is shorter than Max. Who is the tallest? A) Kim B) Lee C) Max", "C"),
    (
        (
            "Facts: Rex is more popular than Ace. Ace is more popular than Zed. Who is the least "
            "popular? A) Rex B) Ace C) Zed"
        ),
        "C",
    ),
    (
        (
            "The shop sells pens, ink and paper. The bakery sells bread. Which place sells bread? A) "
            "shop B) bakery"
        ),
        "B",
    ),
    ("Facts: The cat is black. The dog is white. Which animal is not white? A) cat B) dog", "A"),
    (
        (
            "The match started at 15:00 in Porto. The concert started at 20:00 in Braga. Where did the "
            "concert take place? A) Porto B) Braga"
        ),
        "B",
    ),
)


@pytest.mark.parametrize(("question", "answer"), CLASSIFYING)
def test_classifications_by_given_labels_are_found_however_they_are_asked_for(
    question: str, answer: str
) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), CHOICE)
def test_choices_over_given_facts_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
