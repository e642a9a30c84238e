"""Choosing by given facts."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

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
    ('Given the facts: "Xan is red. Yul is blue." Which one is blue? Options: Xan, Yul', "Yul"),
    (
        (
            "Facts: The capital of Zubrowka is Lutz. The capital of Genovia is Pyrus. Q: What is the "
            "capital of Genovia? A) Lutz B) Pyrus"
        ),
        "B",
    ),
    (
        (
            "According to the facts, which animal is fastest? Facts: The hare runs at 40 km/h. The fox "
            "runs at 50 km/h. The dog runs at 45 km/h. A) hare B) fox C) dog"
        ),
        "B",
    ),
    ("Use only these facts: Tim likes tea. Ann likes milk. Who likes milk?\n(A) Tim\n(B) Ann", "B"),
    ("Context: Mars has two moons. Earth has one moon.\nWhich planet has two moons?\nA) Earth\nB) Mars", "B"),
    (
        (
            "Based on the facts below, answer the question.\nFacts:\n1. Lena plays the violin.\n2. Omar "
            "plays the drums.\nQuestion: Who plays the drums?\nOptions:\nA) Lena\nB) Omar"
        ),
        "B",
    ),
    (
        (
            "Facts: Box 1 contains a ring. Box 2 contains a coin. Box 3 contains a key. Which box "
            "contains the coin? A) Box 1 B) Box 2 C) Box 3"
        ),
        "B",
    ),
)


@pytest.mark.parametrize(("question", "answer"), CHOICE)
def test_choices_over_given_facts_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
