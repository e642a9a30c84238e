"""Questions made at run time from a seed, with the answers that plain Python computes for them.

Nothing here uses the provider's solvers. An expected answer is text; see `same_answer` for numbers.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from random import Random

_WORDS = """
    harbour lantern mosaic pepper violin anchor basket candle desert engine feather garden hammer island
    jungle kettle ladder meadow needle orchid pillow quarry ribbon saddle tunnel umbrella velvet window
    yellow zephyr
"""
_PEOPLE = "Alma Boris Celia Dario Edith Felix Greta Hugo Irma Jonas Klara Leon"
_PLACES = "Lisbon Tallinn Quito Dakar Osaka Perth Bergen Cusco"
WORDS, PEOPLE, PLACES = (tuple(text.split()) for text in (_WORDS, _PEOPLE, _PLACES))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its right answer."""

    family: str
    question: str
    expected: str


def questions(seed: int, count: int) -> list[Asked]:
    """Return `count` questions, the families in turn."""
    dice = Random(seed)
    makers = list(FAMILIES.items())
    made = [makers[number % len(makers)] for number in range(count)]
    return [Asked(family, *make(dice)) for family, make in made]


def stated_answer(text: str) -> str | None:
    """Return what stands on the answer line of a model's text."""
    found = re.search(r"^Answer: (.+)$", text, re.MULTILINE)
    return found[1] if found else None


def same_answer(expected: str, given: str) -> bool:
    """Compare as numbers (to six decimals, without units) where one is expected, else as words."""
    try:
        wanted = Decimal(expected)
    except InvalidOperation:
        return expected.casefold() == given.casefold()
    found = re.match(r"-?[\d.]+", given)
    return found is not None and abs(Decimal(found[0]) - wanted) <= Decimal("0.000001")


def _plain(value: Fraction) -> str:
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.9f}"


def _sum(dice: Random) -> tuple[str, str]:
    first, second, third = dice.randint(12, 9999), dice.randint(12, 9999), dice.randint(2, 60)
    shapes = (
        (f"What is {first} + {second}?", first + second),
        (f"Compute {first:,} - {second:,} + {third}.", first - second + third),
        (f"How much is {first} times {third}?", first * third),
        (f"Please calculate ({first} + {second}) * {third}", (first + second) * third),
        (f"What is {first} plus {second} minus {third}?", first + second - third),
        (f"{first} - {third} * {third} = ?", first - third * third),
        (f"What is {third} squared minus {second}?", third * third - second),
    )
    question, answer = dice.choice(shapes)
    return question, str(answer)


def _percentage(dice: Random) -> tuple[str, str]:
    rate, base = dice.randint(2, 95), dice.randint(4, 900) * 10
    part = Fraction(rate * base, 100)
    shapes = (
        (f"What is {rate}% of {base:,}?", part),
        (f"How much is {rate} percent of {base}", part),
        (f"Increase {base} by {rate}%.", base + part),
        (f"A lamp costs ${base}. Its price is reduced by {rate}%. What is the new price?", base - part),
        (f"What percentage of {base * 4} is {base}?", Fraction(25)),
        (f"{base} is 40% of what number?", Fraction(base * 5, 2)),
    )
    question, answer = dice.choice(shapes)
    return question, _plain(answer)


def _unit(dice: Random) -> tuple[str, str]:
    amount = dice.randint(2, 400)
    shapes = (
        (f"Convert {amount} kilometers to miles.", Fraction(amount * 1000) / Fraction("1609.344")),
        (f"How many grams are in {amount} kilograms?", Fraction(amount * 1000)),
        (f"What is {amount} degrees Celsius in Fahrenheit?", Fraction(amount * 9, 5) + 32),
        (f"How many minutes are there in {amount} hours?", Fraction(amount * 60)),
        (f"Convert {amount} inches into centimeters", Fraction(amount) * Fraction("2.54")),
        (f"{amount} pounds in kg?", Fraction(amount) * Fraction("0.45359237")),
        (f"Express {amount} km/h in m/s.", Fraction(amount * 5, 18)),
        (f"How many milliliters is {amount}.5 liters?", Fraction(amount * 1000 + 500)),
    )
    question, answer = dice.choice(shapes)
    return question, _plain(answer)


def _date(dice: Random) -> tuple[str, str]:
    day = date(1950, 1, 1) + timedelta(days=dice.randint(0, 36000))
    count = dice.randint(2, 300)
    later = day + timedelta(days=count)
    shapes = (
        (f"What day of the week was {day:%B} {day.day}, {day.year}?", f"{day:%A}"),
        (f"On which weekday does {day.isoformat()} fall?", f"{day:%A}"),
        (f"How many days are there between {day.isoformat()} and {later.isoformat()}?", str(count)),
        (f"Which date is {count} days after {day.day} {day:%B} {day.year}?", later.isoformat()),
        (f"What date was {count} days before {later.isoformat()}?", day.isoformat()),
        (f"Which day of the week comes {count} days after {day.isoformat()}?", f"{later:%A}"),
        (f"Is {day.year} a leap year?", "Yes" if isleap(day.year) else "No"),
    )
    return dice.choice(shapes)


def _counting(dice: Random) -> tuple[str, str]:
    word = dice.choice(WORDS)
    letter = dice.choice(word)
    several = [dice.choice(WORDS) for _ in range(dice.randint(4, 12))]
    shapes = (
        (f'How many letters are in the word "{word}"?', len(word)),
        (f"How many times does the letter {letter} occur in {word}?", word.count(letter)),
        (f'Count the vowels in "{word}".', sum(word.count(vowel) for vowel in "aeiou")),
        (f'How many words are in this sentence: "The {" ".join(several)} end"', len(several) + 2),
        (f"How many items does this list have: {', '.join(several)}?", len(several)),
    )
    question, answer = dice.choice(shapes)
    return question, str(answer)


def _sorting(dice: Random) -> tuple[str, str]:
    numbers = dice.sample(range(10, 990), dice.randint(4, 7))
    words = dice.sample(WORDS, dice.randint(3, 6))
    shown = ", ".join(map(str, numbers))
    shapes = (
        (f"Sort these numbers in ascending order: {shown}", ", ".join(map(str, sorted(numbers)))),
        (f"Arrange {shown} from largest to smallest.", ", ".join(map(str, sorted(numbers)[::-1]))),
        (f"Put these words in alphabetical order: {', '.join(words)}", ", ".join(sorted(words))),
        (f"Sort in descending order: {', '.join(words)}", ", ".join(sorted(words)[::-1])),
    )
    return dice.choice(shapes)


def _classifying(dice: Random) -> tuple[str, str]:
    thing, place, who = dice.choice(WORDS), dice.choice(PLACES), dice.choice(PEOPLE)
    review, label = dice.choice(
        (
            (f"The {thing} from {place} is lovely and the staff were friendly.", "positive"),
            (f"Excellent value, {who} would recommend this {thing} to anyone.", "positive"),
            (f"The {thing} broke after a day and {who} was rude.", "negative"),
            (f"Terrible {thing}, a complete waste of money in {place}.", "negative"),
        )
    )
    story, topic = dice.choice(
        (
            (f"The striker {who} scored twice and {place} won the league match.", "sports"),
            (
                f"The senate in {place} will vote on the law that {who} signed before the election.",
                "politics",
            ),
        )
    )
    shapes = (
        (f'Classify the sentiment of this review as positive or negative: "{review}"', label),
        (f"Is the following review positive, negative or neutral?\n\n{review}", label),
        (f'Which of these labels fits the text best: sports, politics, food? Text: "{story}"', topic),
        (f"Labels: food, politics, sports\nText: {story}", topic),
    )
    return dice.choice(shapes)


def _choice(dice: Random) -> tuple[str, str]:
    """Offer the right answer to a question of another family among three answers near it."""
    makers = (_sum, _percentage, _unit, _counting)
    question, right = dice.choice(makers)(dice)
    value = Decimal(right).normalize()
    offered = [value + step for step in dice.sample((-20, -10, -1, 0, 1, 10, 100), 3)]
    at = dice.randrange(3)
    offered[at] = value
    fitting = len(set(offered)) == 3 and value == round(value, 2)
    options = " ".join(f"{mark}) {each:f}" for mark, each in zip("ABC", offered, strict=True))
    return (f"{question}\n{options}", "ABC"[at]) if fitting else _choice(dice)


FAMILIES: dict[str, Callable[[Random], tuple[str, str]]] = {
    "sum": _sum,
    "percentage": _percentage,
    "unit": _unit,
    "date": _date,
    "counting": _counting,
    "sorting": _sorting,
    "classifying": _classifying,
    "choice": _choice,
}
