"""Orders told pair by pair: "Anna is taller than Ben" and who is tallest."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.solvers.options import Choice

_OPPOSITES = {
    "shorter": "taller", "younger": "older", "slower": "faster", "lighter": "heavier", "smaller": "larger",
    "bigger": "larger", "cheaper": "dearer", "weaker": "stronger", "lower": "higher", "colder": "warmer",
    "hotter": "warmer", "quicker": "faster", "earlier": "later", "nearer": "farther", "closer": "farther",
    "poorer": "richer", "worse": "better", "fewer": "more", "less": "more", "before": "after",
}  # fmt: skip
_SAME_WAY = frozenset({"bigger", "hotter", "quicker"})
_TOLD = re.compile(
    r"(?P<first>[\w' -]+?)\s+(?:is|was|are|were|has|have|runs|came|arrived|finished|weighs|costs|lives)\s+"
    r"(?:(?P<much>more|less)\s+)?(?P<word>\w+)?\s*(?:\w+\s+)??(?:than)\s+(?P<second>[\w' -]+)",
    re.IGNORECASE,
)
_CHAIN_LIMIT = 60


def ranked_by_comparison(facts: list[str], asked: str, choices: tuple[Choice, ...]) -> Choice | None:
    """Find who stands at the end of the order that the question asks for."""
    wanted = _asked(asked)
    pairs = [pair for fact in facts[:_CHAIN_LIMIT] for pair in _pairs(fact)]
    if not wanted or not pairs:
        return None
    scale, end = wanted
    told = [(big, small) for told_scale, big, small in pairs if told_scale == scale]
    losers = {small for _, small in told} if end == "top" else {big for big, _ in told}
    everyone = {name for pair in told for name in pair}
    left = [choice for choice in choices if _key(choice.text) in everyone - losers]
    return left[0] if len(left) == 1 else None


def _pairs(fact: str) -> list[tuple[str, str, str]]:
    """Return (scale, more of it, less of it) for each comparison in a sentence."""
    found = []
    for clause in re.split(r",\s*(?:and|while|but)?\s*|\s+(?:and|while|but)\s+", fact.rstrip(".")):
        told = _TOLD.search(clause)
        if told and told["word"]:
            scale, sign = _scale(told["word"].lower(), (told["much"] or "").lower())
            first, second = _key(told["first"]), _key(told["second"])
            found.append((scale, first, second) if sign > 0 else (scale, second, first))
    return found


def _scale(word: str, much: str) -> tuple[str, int]:
    """Name a scale by its upper end, with the direction that the word points to."""
    if much:
        return word, 1 if much == "more" else -1
    if word in _OPPOSITES:
        return _OPPOSITES[word], 1 if word in _SAME_WAY else -1
    return word, 1


def _asked(question: str) -> tuple[str, str] | None:
    superlative = re.search(r"\b(most|least)\s+(\w+)", question, re.IGNORECASE)
    if superlative:
        return superlative[2].lower(), "top" if superlative[1].lower() == "most" else "bottom"
    for word in re.findall(r"\b(\w+)est\b", question.lower()):
        for stem in (word + "er", word[:-1] + "ier" if word.endswith("i") else word + "er"):
            scale, sign = _scale(stem, "")
            return scale, "top" if sign > 0 else "bottom"
    return None


def _key(name: str) -> str:
    return re.sub(r"^(?:the|and|but|while)\s+", "", name.strip().casefold())
