"""Classifying a text by given labels, with word lists and the words of the labels themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, chosen
from orchestration.llm.providers.simulated.solvers.labels import read_offer
from orchestration.llm.providers.simulated.solvers.lexicon import (
    NEGATIVE,
    POSITIVE,
    TOPICS,
    stem,
    stems,
    words,
)

_POLAR = {
    "positive": 1,
    "favorable": 1,
    "favourable": 1,
    "good": 1,
    "happy": 1,
    "pos": 1,
    "negative": -1,
    "unfavorable": -1,
    "unfavourable": -1,
    "bad": -1,
    "unhappy": -1,
    "neg": -1,
}
_NEUTRAL = frozenset(
    {"neutral", "mixed", "none", "other", "neither", "unknown", "objective", "factual", "misc", "general"}
)
_TURNING = """
    not no never hardly barely isn't wasn't don't didn't doesn't without couldn't won't can't nothing
    aren't weren't wouldn't cannot
"""
_NEGATIONS = frozenset(_TURNING.split())
_NEGATED_LABEL = re.compile(r"(?:not|non|no)[ -]", re.IGNORECASE)
_REACH = 3


def solve(question: Question) -> Solution | None:
    """Pick the label that the text's words speak for most."""
    offer = read_offer(question.text)
    return pick(offer.labels, offer.text) if offer else None


def pick(labels: Sequence[str], text: str) -> Solution | None:
    """Pick one of `labels` for `text`; None when no word of it speaks for one more than for the others."""
    polar = {label: _POLAR.get(label.casefold(), 0) for label in labels}
    signs = set(polar.values())
    if {1, -1} <= signs:
        return _by_polarity(labels, polar, text)
    scores = {label: _score(label, text) for label in labels}
    best = max(scores, key=lambda label: scores[label])
    if scores[best] == 0 or list(scores.values()).count(scores[best]) > 1:
        best = next((label for label in labels if _is_fallback(label) and scores[best] == 0), "")
    if not best:
        return None
    return chosen(best, labels, "Compare the words of the text with those that usually go with each label")


def _is_fallback(label: str) -> bool:
    """Tell whether a label fits what fits nothing else: "other", "not urgent"."""
    return label.casefold() in _NEUTRAL or bool(_NEGATED_LABEL.match(label))


def _by_polarity(labels: Sequence[str], polar: dict[str, int], text: str) -> Solution | None:
    balance = polarity(text)
    wanted = (balance > 0) - (balance < 0)
    found = [label for label in labels if polar[label] == wanted and (wanted or label.casefold() in _NEUTRAL)]
    if not found:
        return None
    return chosen(found[0], labels, "Weigh the praising words of the text against the complaining ones")


def polarity(text: str) -> int:
    """Return praising minus complaining words; negations turn what follows, after "but" it counts double."""
    total = 0
    for index, clause in enumerate(re.split(r"\b(?:but|however|yet)\b", text.casefold())):
        tokens = words(clause)
        weight = 2 if index else 1
        for at, word in enumerate(tokens):
            value = (stem(word) in POSITIVE) - (stem(word) in NEGATIVE and word not in _NEGATIONS)
            turned = any(token in _NEGATIONS for token in tokens[max(0, at - _REACH) : at])
            total += weight * (-value if turned else value)
    return total


def _score(label: str, text: str) -> int:
    """Count the text's words that speak for a label; the label's own words count three times."""
    own = set(stems(label))
    if _NEGATED_LABEL.match(label):
        return 0
    names = {label.casefold().replace(" ", "-"), *words(label)}
    topic = frozenset[str]().union(*(TOPICS[name] for name in names if name in TOPICS))
    plain = set(words(text))
    return sum(3 * (found in own) + (found in topic) for found in set(stems(text)) | (plain & set(topic)))
