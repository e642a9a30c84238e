"""Counting, and figures about a list."""

import pytest

from orchestration.llm.providers.simulated.question import read
from orchestration.llm.providers.simulated.solvers.registry import solve

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
    ("How many of these numbers are divisible by 3: 3, 5, 9, 12?", "3"),
    ("How many of the numbers 4, 7, 13, 20 are prime?", "2"),
    ("How many numbers between 5 and 10 are in this list: 4, 6, 8, 12?", "2"),
    ("How many distinct items are in this list: a, b, a, c?", "3"),
    ("How many words longer than 4 letters are in this list: apple, fig, pear, banana?", "2"),
    ("How many negative numbers are in the list -3, 4, -7, 9?", "2"),
    ("How many numbers in the list 4, 8, 15 are at least 8?", "2"),
    ("How many of 3, 4, 5 and 6 are even?", "2"),
    ("How many times does the word 'apple' appear in the following list: apple, banana, apple?", "2"),
    ("Count the number of vowels in the word 'international'.", "6"),
    ('How many "l"s are in "parallel"?', "3"),
    ("How many times does the letter 'o' show up in 'book'?", "2"),
    ('In the word "committee", how many times does the letter "t" appear?', "2"),
    ('In the sentence "The cat sat on the mat", how many words are there?', "6"),
    ('Count the letter e in "nevertheless".', "4"),
    ('Number of words in "one two three":', "3"),
    ('What is the length of the word "elephant"?', "8"),
    ('What is the number of characters in the string "abc def"?', "7"),
    ("How many items in the list: pen, cup, hat?", "3"),
    ("How many entries are there in [1, 2, 3, 4]?", "4"),
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
    ("What is the mode of 1, 2, 2, 3?", "2"),
    ("Which is larger, 3/4 or 2/3?", "3/4"),
    ("Is 17 greater than 5?", "Yes"),
    ("Is 3 less than 2?", "No"),
    ("Is 2.50 equal to 2.5?", "Yes"),
    ("What is the product of these numbers: 2, 3, 4?", "24"),
    ("What is the mean of 2 and 3, to 1 decimal place?", "2.5"),
    ("What is the smallest of 3, 9 and -4?", "-4"),
    ("What is the second smallest of 4, 9, 7?", "7"),
    ("What is the average of 100,200,300?", "200"),
    ("Which word comes last alphabetically: pear, zebra, apple?", "zebra"),
    ('What is the longest word in "the elephant ran away"?', "elephant"),
    ("What is the shortest of these words: apple, fig, banana?", "fig"),
    ("Which is the smallest: 1/2, 2/5, 3/4?", "2/5"),
    ("Which is larger, 5 or 3", "5"),
    ("Add these numbers: 1.5, 2.5", "4"),
)


@pytest.mark.parametrize(("question", "answer"), COUNTING)
def test_counts_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize(("question", "answer"), STATISTICS)
def test_figures_about_a_list_are_found_however_they_are_asked_for(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer
