"""Multiple choice over given facts: comparisons, figures, and what the facts tie to the question."""

from __future__ import annotations

import re
from collections import Counter

from orchestration.llm.providers.simulated.numbers import numbers_in, with_digits
from orchestration.llm.providers.simulated.solution import Solution, chosen
from orchestration.llm.providers.simulated.solvers.facts import read_facts
from orchestration.llm.providers.simulated.solvers.lexicon import stem, stems, words
from orchestration.llm.providers.simulated.solvers.options import Choice, MultipleChoice
from orchestration.llm.providers.simulated.solvers.ordering import ranked_by_comparison

_WORDS = """
    a an the is are was were be been of to in on at by for from with and or as it its this that these
    those which what who whom whose where when why how do does did has have had he she they him her them
    his their there than then into about according fact facts question following given based only option
    answer choose pick correct true not can will would
"""
_STOP = frozenset(map(stem, _WORDS.split()))  # fmt: skip
_SUPERLATIVE_UP = re.compile(
    (
        r"\b(?:most|more|highest|largest|biggest|greatest|oldest|tallest|longest|heaviest|fastest"
        r"|dearest|most expensive|latest|last)\b"
    ),
    re.IGNORECASE,
)
_SUPERLATIVE_DOWN = re.compile(
    (
        r"\b(?:least|fewest|fewer|less|lowest|smallest|youngest|shortest|lightest|slowest|cheapest"
        r"|earliest|first)\b"
    ),
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|except|isn't|doesn't|never|cannot)\b", re.IGNORECASE)
_SECOND_HAND = 0.4


def solve_choice(offer: MultipleChoice) -> Solution | None:
    """Pick the option that the facts before it support; None when they favour none."""
    facts, asked = read_facts(offer.stem)
    if not facts:
        return None
    found = (
        ranked_by_comparison(facts, asked, offer.choices)
        or _by_figure(facts, asked, offer.choices)
        or _by_support(facts, asked, offer.choices)
    )
    return (
        as_chosen(found, offer.choices, "Read the facts again and keep the option that they support")
        if found
        else None
    )


def as_chosen(choice: Choice, choices: tuple[Choice, ...], working: str) -> Solution:
    """Answer with an option's letter, naming its text on the way."""
    return chosen(choice.name, [option.name for option in choices], working)


def _content(text: str) -> set[str]:
    return {found for found in stems(text) if found not in _STOP} | set(re.findall(r"\d[\d.,]*\d|\d", text))


def _mentions(fact: str, choice: Choice) -> bool:
    wanted = set(words(choice.text)) | set(re.findall(r"\d+", choice.text))
    wanted -= {"the", "a", "an", "in", "on", "at"}
    return bool(wanted) and wanted <= set(words(fact)) | set(re.findall(r"\d+", fact)) | set(stems(fact))


def _by_figure(facts: list[str], asked: str, choices: tuple[Choice, ...]) -> Choice | None:
    """Compare the one number that the facts give for each option."""
    up, down = _SUPERLATIVE_UP.search(asked), _SUPERLATIVE_DOWN.search(asked)
    if not up and not down:
        return None
    clauses = [
        clause
        for fact in facts
        for clause in re.split(r",\s+(?:and\s+|while\s+|but\s+)?|\s+(?:and|while|but)\s+", fact)
    ]
    figures = {}
    for choice in choices:
        found = [numbers_in(with_digits(clause)) for clause in clauses if _mentions(clause, choice)]
        numbers = [values[0] for values in found if len(values) == 1]
        if len(numbers) == 1:
            figures[choice] = numbers[0]
    if len(figures) < max(2, len(choices) - 1):
        return None
    pick = min if down else max
    best = pick(figures, key=lambda choice: figures[choice])
    return best if list(figures.values()).count(figures[best]) == 1 else None


def _by_support(facts: list[str], asked: str, choices: tuple[Choice, ...]) -> Choice | None:
    """Spread weight from the question's words over the facts, then weigh the facts that name each option."""
    weights = _weights(facts, asked)
    scores = {choice: _support(facts, weights, choice) for choice in choices}
    negated = bool(_NEGATED.search(asked))
    pick = min if negated else max
    best = pick(scores, key=lambda choice: scores[choice])
    unique = list(scores.values()).count(scores[best]) == 1
    return best if unique and (negated or scores[best] > 0) else None


def _weights(facts: list[str], asked: str) -> Counter[str]:
    """Weigh words: those of the question by their rarity, those beside them in a fact second-hand."""
    spread = Counter(word for fact in facts for word in _content(fact))
    first = {word: 1 / spread[word] for word in _content(asked) if word in spread}
    weights: Counter[str] = Counter()
    for fact in facts:
        near = _content(fact)
        share = sum(first.get(word, 0) for word in near)
        for word in near - first.keys():
            weights[word] = max(weights[word], _SECOND_HAND * share / spread[word])  # type: ignore[assignment]
    for word, weight in first.items():
        weights[word] = weight  # type: ignore[assignment]
    return weights


def _support(facts: list[str], weights: Counter[str], choice: Choice) -> float:
    own = _content(choice.text)
    naming = [_content(fact) - own for fact in facts if _mentions(fact, choice)]
    return max((sum(weights[word] for word in fact) for fact in naming), default=0.0)
