"""Questions in the words in which people ask them, each with the answer that a solver finds, or none."""

import pytest

from orchestration.llm.providers.simulated.attempt import solve
from orchestration.llm.providers.simulated.reading import read

ARITHMETIC = (
    ("Please calculate 3 + 4 * 5.", "23"),
    ("What is (3 + 4) * 5?", "35"),
    ("What's 2^10?", "1024"),
    ("1,250 + 3,750 =", "5000"),
    ("What is 7 divided by 2?", "3.5"),
    ("What is 12 squared?", "144"),
    ("What is 2 to the power of 8?", "256"),
    ("What is 17 mod 5?", "2"),
    ("What is 10 / 3, rounded to two decimal places?", "3.33"),
    ("Round 3.14159 to two decimal places.", "3.14"),
    ("What is -5 + 3?", "-2"),
    ("What is 0.1 + 0.2?", "0.3"),
    ("What is 123456789 * 987654321?", "121932631112635269"),
    ("What is 5 times 6? Answer with just the number.", "30"),
    ("Calculate: 8 - (2 + 3)", "3"),
    ("Hey, could you tell me what 45*12 is please?", "540"),
    ("Work out 7 * (6 + 2) - 10 / 5", "54"),
    ("Solve: 48 / 6 + 3^2", "17"),
    ("What is -8 * -3?", "24"),
    ("What is 2 + 3 × (4 − 1)²?", "29"),
    ("What is 1/2 + 1/4?", "0.75"),
    ("What is 5% of 5% of 10000?", "25"),
)
PERCENTAGES = (
    ("What is 17% of 2,300?", "391"),
    ("How much is 17 percent of 2300", "391"),
    ("17% of 2,300 = ?", "391"),
    ("Compute 17% of 2,300.", "391"),
    ("What is 100 - 25%?", "75"),
    ("What is 200 + 10%?", "220"),
    ("What percent of 80 is 20?", "25%"),
    ("20 is what percent of 80?", "25%"),
    ("What percentage is 20 of 80?", "25%"),
    ("Increase 200 by 15%.", "230"),
    ("Decrease 200 by 15 percent", "170"),
    ("What is 80 increased by 25%?", "100"),
    ("A $80 jacket is on sale for 25% off. What is the final price?", "60"),
    ("30 is 15% of what number?", "200"),
    ("15% of what number is 30?", "200"),
    ("A price of 120 rises by 10%. What is the new price?", "132"),
    ("What is 12.5% of 640?", "80"),
    ("Express 45 as a percentage of 60.", "75%"),
    ("18 out of 24 as a percentage?", "75%"),
    ("If a shirt costs 40 dollars and is reduced by 30%, how much does it cost now?", "28"),
    ("In a class of 40 students, 10 are absent. What percentage is absent?", "25%"),
    ("What is 80 plus 15%?", "92"),
    ("After a 20% discount, what is the price of a $50 item?", "40"),
    ("What percent is 30 of 120?", "25%"),
    ("Out of 40 questions, Ann got 30 right. What percentage is that?", "75%"),
    ("75 increased by 100 percent is what?", "150"),
    ("A phone costs $200 plus 10% tax. What is the total?", "220"),
    ("What number is 20% of 45?", "9"),
    ("Add 8% sales tax to $25. What is the total?", "27"),
    ("A store offers 30% off a $120 coat. How much does the coat cost after the discount?", "84"),
)
UNITS = (
    ("Convert 5 miles to kilometers.", "8.04672 km"),
    ("How many grams are in 2.5 kilograms?", "2500 g"),
    ("How many minutes are there in 3 hours?", "180 min"),
    ("Convert 100 degrees Fahrenheit to Celsius.", "37.777778 °C"),
    ("Convert 25°C to Fahrenheit", "77 °F"),
    ("What is 32 F in C?", "0 °C"),
    ("How many feet are in a mile?", "5280 ft"),
    ("Convert 5 feet 11 inches to centimeters.", "180.34 cm"),
    ("How many seconds are in 2 hours and 30 minutes?", "9000 s"),
    ("Convert 72 km/h to m/s.", "20 m/s"),
    ("How many MB are in 3 GB?", "3000 MB"),
    ("12 inches = how many cm?", "30.48 cm"),
    ("How many days are in 3 weeks?", "21 d"),
    ("What is 150 cm in meters?", "1.5 m"),
    ("Convert 60 mph to km/h", "96.56064 km/h"),
    ("How many ounces are in 2 pounds?", "32 oz"),
    ("Convert 26.2 miles to kilometres.", "42.1648128 km"),
    ("Convert 68°F to °C.", "20 °C"),
    ("Convert 0 degrees Celsius to Kelvin", "273.15 K"),
    ("Convert 5 GB to MB", "5000 MB"),
    ("How many seconds are there in a day?", "86400 s"),
    ("Change 4 pints into cups", "8 cup"),
    ("How many kilometers are 10 miles?", "16.09344 km"),
    ("Convert the following: 12 feet to inches", "144 in"),
    ("How many cups are in a gallon?", "16 cup"),
    ("If I convert 3 kilograms to grams, how many grams do I get?", "3000 g"),
)
DATES = (
    ("What day of the week was July 20, 1969?", "Sunday"),
    ("What weekday is 2024-02-29?", "Thursday"),
    ("On which day of the week did 25 December 2023 fall?", "Monday"),
    ("How many days are there between 2024-01-01 and 2024-03-01?", "60"),
    ("How many days from March 3, 2024 to April 3, 2024?", "31"),
    ("What date is 10 days after 2024-02-25?", "2024-03-06"),
    ("What date is 30 days before March 1, 2023?", "2023-01-30"),
    ("Add 3 weeks to 2024-01-15.", "2024-02-05"),
    ("Is 2024 a leap year?", "Yes"),
    ("Is 1900 a leap year?", "No"),
    ("What day of the week is 10 days after 2024-02-25?", "Wednesday"),
    ("Subtract 45 days from 2024-03-10. What is the date?", "2024-01-25"),
    ("What day of the week was 20 July 1969?", "Sunday"),
    ("On what day of the week does 2025-07-04 fall?", "Friday"),
    ("What day of the week will January 1, 2030 be?", "Tuesday"),
    ("How many days are between 1 March 2024 and 15 April 2024?", "45"),
    ("Which date is 6 weeks after 2023-11-20?", "2024-01-01"),
    ("If today is 2024-05-30, what date is it in 5 days?", "2024-06-04"),
    ("How many days are there from 2024-01-01 to 2024-01-10 inclusive?", "10"),
    ("What date is 2 weeks and 3 days after 2024-01-01?", "2024-01-18"),
    ("Tell me the day of the week for 2022-11-08.", "Tuesday"),
    ("2024-03-15 plus 20 days is which date?", "2024-04-04"),
    ("How many days until 2024-12-25 from 2024-12-01?", "24"),
)
SORTING = (
    ("Sort these numbers in ascending order: 5, 3, 9, 1", "1, 3, 5, 9"),
    ("Sort the following numbers from largest to smallest: 5, 3, 9, 1.", "9, 5, 3, 1"),
    ("Sort 5, 3, 9, 1 in descending order.", "9, 5, 3, 1"),
    ("Sort these words alphabetically: pear, apple, fig", "apple, fig, pear"),
    ("Arrange in alphabetical order: zebra, ant, mouse", "ant, mouse, zebra"),
    ("Sort the words banana, apple and cherry in reverse alphabetical order", "cherry, banana, apple"),
    ("Put these numbers in order from smallest to largest: 12, 4, 33", "4, 12, 33"),
    ("Sort these numbers in ascending order: 42, 7, 19, 3, 88, 61", "3, 7, 19, 42, 61, 88"),
    ("Sort the list [9, 4, 7, 1] from smallest to largest.", "1, 4, 7, 9"),
    ("Arrange these numbers from highest to lowest: 8, 15, 3", "15, 8, 3"),
    ("Sort descending: 1.5, 0.2, 3.7", "3.7, 1.5, 0.2"),
    ("Alphabetize: pear, fig, apple", "apple, fig, pear"),
    ("Sort the numbers 42, 17, 8 and 23 from largest to smallest.", "42, 23, 17, 8"),
    ("Rearrange 7, 3, 11 in increasing order", "3, 7, 11"),
    ("Sort these words from Z to A: ant, bee, cow", "cow, bee, ant"),
    ("Please put 5, 2, 9 in ascending order.", "2, 5, 9"),
    ("List these words in alphabetical order: zoo, ant", "ant, zoo"),
    ("Rank the numbers from low to high: 3 1 2", "1, 2, 3"),
    ("Sort these numbers from least to greatest: 0.5, 0.25, 0.75", "0.25, 0.5, 0.75"),
)
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
    ('Count the occurrences of "a" in "banana".', "3"),
    ("How many letters does the word elephant have?", "8"),
    ("Count how many times 7 appears in 7, 17, 7, 70.", "2"),
    ("How many items are in the list [a, b, c, d, e]?", "5"),
    ('How many vowels does the word "education" have?', "5"),
    ("How many words does this sentence contain: The sun rises in the east", "6"),
    ('How often does the letter e appear in "excellence"?', "4"),
    ('How many times does "na" occur in "banana"?', "2"),
    ("Count the items: red, green, blue", "3"),
    ("How many numbers are in the list 4, 8, 15, 16, 23, 42?", "6"),
    ("How many elements does this list have: [3, 5, 7]?", "3"),
    ("Count the number of times the word cat occurs in: the cat saw another cat", "2"),
    ("How many times does the word 'apple' appear in the following list: apple, banana, apple?", "2"),
    ("Count the number of vowels in the word 'international'.", "6"),
    ("How many times does the letter 'o' show up in 'book'?", "2"),
    ('In the word "committee", how many times does the letter "t" appear?', "2"),
    ('In the sentence "The cat sat on the mat", how many words are there?', "6"),
    ('Count the letter e in "nevertheless".', "4"),
    ('Number of words in "one two three":', "3"),
    ("How many entries are there in [1, 2, 3, 4]?", "4"),
)
LABELS = (
    (
        (
            'Classify the sentiment of this review as positive, negative or neutral: "I love this '
            'phone, it is great."'
        ),
        "positive",
    ),
    (
        (
            "Classify the following text as positive or negative: The food was terrible and the "
            "service was slow."
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
            'Categories: billing, technical, shipping. Message: "My package has not arrived yet." '
            "Which category fits best?"
        ),
        "shipping",
    ),
    ('Which label fits: spam or not spam? "Congratulations, you won a free prize, click now!"', "spam"),
    ("Labels: [urgent, not urgent]\nText: The server is down, fix it immediately!", "urgent"),
    (
        (
            "Classify the following sentence as positive, negative, or neutral.\n\nSentence: The "
            "meeting is at noon.\n\nLabel:"
        ),
        "neutral",
    ),
    (
        (
            'Classify this review as positive, negative or neutral: "The battery died after two days '
            'and support never answered. I want my money back."'
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
    ('Classify into sports, politics or other: "The bird sang."', "other"),
    ('Classify: "I hate waiting in line." Labels: positive, negative, neutral.', "negative"),
    ('Sentiment (positive/negative): "What a great movie!"', "positive"),
    (
        "Classify the following review.\nLabels: positive, negative\nReview: The hotel was dirty and noisy.",
        "negative",
    ),
    ('Is the following message spam or not spam? "Claim your free prize now!!!"', "spam"),
)
CHOICE = (
    ("What is 7 * 8? A) 54 B) 56 C) 58", "B"),
    ("What is 15% of 60? A) 6 B) 9 C) 12 D) 15", "B"),
    ("Convert 5 miles to kilometers.\nOptions:\nA) 5.3 km\nB) 8.05 km\nC) 8.5 km", "B"),
    ("What day of the week was 20 July 1969? (A) Monday (B) Sunday", "B"),
    ("Sort these words alphabetically: pear, fig. A. pear, fig B. fig, pear", "B"),
)
DECLINED = (
    "What is the capital of France?",
    "Write a poem about the sea.",
    "What's the weather today?",
    "Write a Python function that adds two numbers.",
    "How many days are in February?",
    "What day of the week was 03/04/2024?",
    "What day of the week was 2023-02-29?",
    "What date is 10 business days after 2024-01-01?",
    "What date is 9999999 days after 2024-01-01?",
    "What date is 12345678 days after 2024-01-01?",
    "How many times did France win the cup in football?",
    "How many words are in the English language?",
    "What date is 2 months after 2024-01-01?",
    "What is 5 kg in meters?",
    "Convert half a mile to meters",
    "Solve for x: 2x + 3 = 7",
    "What is 10 / 0?",
    "What is 2 ^ 99999?",
    "What is 20% of 150 more than 3?",
    "What percentage of 0 is 5?",
    "What about 20% and 5?",
    "Which label fits this text?",
    "How much of 200 is left after 10%?",
    'Classify this text as toxic or helpful: "xyzzy plugh"',
    "Which is the capital of Peru? A) Lima B) Quito",
    "What is 7 * 8? A) 54 B) 58",
    "How many even numbers are in this list: 3, 8, 12?",
    "How many numbers in the list 4, 8, 15 are at least 8?",
    "Sort by length: banana, fig, apple",
    "A teacher has 4 shelves with 12 books each. How many books does the teacher have?",
)


@pytest.mark.parametrize(
    ("question", "answer"), ARITHMETIC + PERCENTAGES + UNITS + DATES + SORTING + COUNTING + LABELS + CHOICE
)
def test_a_question_is_understood_however_it_is_put(question: str, answer: str) -> None:
    solution = solve(read(question))
    assert solution is not None
    assert solution.answer == answer


@pytest.mark.parametrize("question", DECLINED)
def test_what_is_out_of_reach_is_declined(question: str) -> None:
    assert solve(read(question)) is None
