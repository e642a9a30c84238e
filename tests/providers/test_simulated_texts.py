import pytest

from orchestration.providers.simulated.question import read
from orchestration.providers.simulated.solvers.registry import solve

COUNTING = (
    ('How many letters are in the word "strawberry"?', "10"),
    ("How many times does the letter r appear in strawberry?", "3"),
    ("How many r's are in strawberry?", "3"),
    ("How many 'r's are there in the word 'strawberry'?", "3"),
    ('How many words are in the sentence "The quick brown fox jumps"?', "5"),
    ('Count the vowels in "banana".', "3"),
    ("How many vowels are in the word encyclopedia?", "5"),
    ("How many items are in this list: apple, pear, plum, fig?", "4"),
    ('How many times does the word "the" appear in "The cat and the dog and the bird"?', "3"),
    ("Count the number of words in the following text: I like green apples.", "4"),
    ('How many characters are in "hello world"?', "11"),
    ('How many characters, excluding spaces, are in "hello world"?', "10"),
    ("How many even numbers are in this list: 3, 8, 12, 7, 5, 10?", "3"),
    ("How many numbers greater than 10 are in 3, 18, 12, 7?", "2"),
    ('Count the occurrences of "a" in "banana".', "3"),
    ("How many letters does the word elephant have?", "8"),
    ('How many consonants are in "rhythm"?', "6"),
    ('How many sentences are in: "Hello. How are you? Fine!"', "3"),
    ("Count how many times 7 appears in 7, 17, 7, 70.", "2"),
    ("How many items are in the list [a, b, c, d, e]?", "5"),
    ('How many times does the letter "s" occur in "Mississippi"?', "4"),
    ('How many vowels does the word "education" have?', "5"),
    ('Count the letters in "banana".', "6"),
    ('Count the words in this sentence: "To be or not to be that is the question"', "10"),
    ("How many words does this sentence contain: The sun rises in the east", "6"),
    ('How often does the letter e appear in "excellence"?', "4"),
    ('How many times does "na" occur in "banana"?', "2"),
    ("How many a's are in the word banana?", "3"),
    ("How many 'e' letters are there in 'cheese'?", "3"),
    ("Count the items: red, green, blue", "3"),
    ("How many numbers are in the list 4, 8, 15, 16, 23, 42?", "6"),
    ("How many elements does this list have: [3, 5, 7]?", "3"),
    ("How many odd numbers are there in: 1, 2, 3, 4, 5", "3"),
    ("How many words in the following list start with b: banana, apple, berry, cherry", "2"),
    ("How many fruits are listed here: apple, pear, plum?", "3"),
    ("Count the number of times the word cat occurs in: the cat saw another cat", "2"),
)
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
)
STATISTICS = (
    ("What is the largest of 5, 12 and 8?", "12"),
    ("What is the maximum of 4, 9, 2?", "9"),
    ("What is the median of 3, 1, 2?", "2"),
    ("What is the average of 4, 8 and 12?", "8"),
    ("Find the mean of these numbers: 2, 4, 6, 9", "5.25"),
    ("What is the smallest number in this list: 8, 3, 11?", "3"),
    ("Which is larger, 0.9 or 0.11?", "0.9"),
    ("What is the second largest number in 4, 9, 7?", "7"),
    ("What is the third largest number in 5, 9, 1, 7?", "5"),
    ("What is the range of 4, 9, 15?", "11"),
    ("Find the largest number: 17, 42, 8", "42"),
    ("Which number is the smallest: 7, 3, 9?", "3"),
    ("What is the sum of the numbers in this list: 4, 5, 6?", "15"),
    ("Give me the maximum of the following numbers: 12, 99, 45.", "99"),
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
)


@pytest.mark.parametrize(("question", "answer"), COUNTING)
def test_counts_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), SORTING)
def test_sorts_and_reversals_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), STATISTICS)
def test_figures_about_a_list_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), EXTRACTING)
def test_extracts_are_solved_however_they_are_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
