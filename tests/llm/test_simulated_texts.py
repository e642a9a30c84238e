"""Sorting lists and extracting from texts."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

SORTING = (
    ("Sort these numbers in ascending order: 5, 3, 9, 1", "1, 3, 5, 9"),
    ("Sort the following numbers from largest to smallest: 5, 3, 9, 1.", "9, 5, 3, 1"),
    ("Sort 5, 3, 9, 1 in descending order.", "9, 5, 3, 1"),
    ("Sort these words alphabetically: pear, apple, fig", "apple, fig, pear"),
    ("Arrange in alphabetical order: zebra, ant, mouse", "ant, mouse, zebra"),
    ("Sort the words banana, apple and cherry in reverse alphabetical order", "cherry, banana, apple"),
    ("Put these numbers in order from smallest to largest: 12, 4, 33", "4, 12, 33"),
    ('Reverse the word "stressed".', "desserts"),
    ("Reverse the list: 1, 2, 3", "3, 2, 1"),
    ("Sort by length: banana, fig, apple", "fig, apple, banana"),
    ("Order from oldest to newest: 2024-01-05, 2023-05-01, 2024-01-01", "2023-05-01, 2024-01-01, 2024-01-05"),
    ("Sort these numbers in ascending order: 42, 7, 19, 3, 88, 61", "3, 7, 19, 42, 61, 88"),
    ("Sort in ascending order: 10, 2, 33, 4", "2, 4, 10, 33"),
    ("Sort the list [9, 4, 7, 1] from smallest to largest.", "1, 4, 7, 9"),
    ("Arrange these numbers from highest to lowest: 8, 15, 3", "15, 8, 3"),
    ("Order these words alphabetically: kiwi, mango, apple, grape", "apple, grape, kiwi, mango"),
    ("Sort descending: 1.5, 0.2, 3.7", "3.7, 1.5, 0.2"),
    ("Put the following words in alphabetical order: dog, cat, bird", "bird, cat, dog"),
    ("Alphabetize: pear, fig, apple", "apple, fig, pear"),
    ("Sort the numbers 42, 17, 8 and 23 from largest to smallest.", "42, 23, 17, 8"),
    ("Rearrange 7, 3, 11 in increasing order", "3, 7, 11"),
    ("Sort these words from Z to A: ant, bee, cow", "cow, bee, ant"),
    ("List the even numbers in: 3, 4, 7, 8", "4, 8"),
    ("Remove duplicates from: a, b, a, c", "a, b, c"),
    ("Which of these numbers are odd: 3, 4, 7?", "3, 7"),
    ('Write "level up" backwards.', "pu level"),
    ('What is "stop" spelled backwards?', "pots"),
    ('Sort the letters of "dcba".', "abcd"),
    ("Sort the dates: 2024-03-01, 2023-01-01 from newest to oldest", "2024-03-01, 2023-01-01"),
    ("Sort: banana, apple, cherry", "apple, banana, cherry"),
    ("Sort the following list of numbers in descending order: [3, 1, 2]", "3, 2, 1"),
    ("Please put 5, 2, 9 in ascending order.", "2, 5, 9"),
    ("List these words in alphabetical order: zoo, ant", "ant, zoo"),
    ("Rank the numbers from low to high: 3 1 2", "1, 2, 3"),
    ("Sort these numbers from least to greatest: 0.5, 0.25, 0.75", "0.25, 0.5, 0.75"),
    ("Sort these names alphabetically: Zoe, Adam, Mia.", "Adam, Mia, Zoe"),
    ("Order the following words by length, shortest first: banana, fig, pear", "fig, pear, banana"),
)
EXTRACTING = (
    (
        "Extract all email addresses from this text: Write to anna@example.com or bob.smith@mail.org today.",
        "anna@example.com, bob.smith@mail.org",
    ),
    ('Extract the numbers from: "I bought 3 apples and 12 pears for 7 euros"', "3, 12, 7"),
    ('What is the email address in the following text? "Contact us at help@shop.io."', "help@shop.io"),
    ('Extract the date from: "The meeting is on 2024-05-06 at noon."', "2024-05-06"),
    (
        "Find all URLs in this text: see https://example.com/a and http://b.org.",
        "https://example.com/a, http://b.org",
    ),
    ('Extract the names from: "Yesterday Maria Lopez met John Smith."', "Maria Lopez, John Smith"),
    ('Extract the amount from the text: "The invoice totals $1,250.50 due Friday."', "$1,250.50"),
    ('Extract the order number from: "Your order #4711 has shipped."', "4711"),
    ('Extract the phone number from "Call +1 555-123-4567 now"', "+1 555-123-4567"),
    ("Extract the email address: Please write to jane.doe@company.com for details.", "jane.doe@company.com"),
    ('Extract all numbers from the text "Room 12 has 30 seats and 2 doors."', "12, 30, 2"),
    ('What numbers appear in the following sentence? "There are 5 dogs and 17 cats."', "5, 17"),
    ('List all dates in the text: "From 2024-01-02 to 2024-02-03 we travel."', "2024-01-02, 2024-02-03"),
    ("Find the URL in: Visit https://docs.python.org/3/ for more.", "https://docs.python.org/3/"),
    ('Which person is named in this text: "The award went to Maria Lopez yesterday."', "Maria Lopez"),
    ('What is the phone number in this message? "Call me at 555-123-4567 tonight."', "555-123-4567"),
    ('Extract the year from "The bridge was built in 1937 by workers."', "1937"),
    ('Extract the price from: "It costs $19.99 in the shop."', "$19.99"),
    ('Extract every hashtag from: "Love #python and #django"', "#python, #django"),
    ('Extract the time from "The train leaves at 14:35 from platform 2."', "14:35"),
    ('Extract the invoice number: "Invoice INV-2041 is due on 2024-05-01."', "INV-2041"),
    (
        'Extract the name of the person from the text: "Dr. Emily Carter joined the team in Boston."',
        "Emily Carter",
    ),
    ('Extract the capitalized words from: "alice met Bob in Paris"', "Bob, Paris"),
    ('Extract the percentage from "Sales rose 12.5% in May."', "12.5%"),
    ('Extract the acronyms from: "NASA and the ESA met in Rome."', "NASA, ESA"),
    ('Extract the mentions: "thanks @anna and @bob"', "@anna, @bob"),
    ('Extract the unique numbers from: "4 and 5 and 4"', "4, 5"),
    ('Extract the email addresses from: "no address here"', "none"),
    ('Extract the order id from "Your order AB-99 is ready"', "AB-99"),
    ('Extract the flight number from: "Flight LH454 departs at 10:15."', "LH454"),
    ('From the text "Call 555-987-6543 today", extract the phone number.', "555-987-6543"),
    (
        (
            "Extract the email addresses from the following text and list them separated by "
            "commas:\n\nContact bob@x.org or amy@y.com."
        ),
        "bob@x.org, amy@y.com",
    ),
    ('Which email address is in this sentence: "Mail joe@z.net now"?', "joe@z.net"),
    ('Extract the city name from: "She moved to Berlin in 2010."', "Berlin"),
    (
        'What is the name of the person in this sentence: "Yesterday, John Miller bought a car."?',
        "John Miller",
    ),
    ('What is the total amount in this invoice text: "Subtotal $10.00, total $12.50"?', "$12.50"),
    ('Extract the date mentioned in: "We met on March 5, 2021 in Rome."', "March 5, 2021"),
    ('Find all the capitalized names in: "yesterday Alice met Bob"', "Alice, Bob"),
)


@pytest.mark.parametrize(("question", "answer"), SORTING)
def test_sorts_and_reversals_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), EXTRACTING)
def test_extracts_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
