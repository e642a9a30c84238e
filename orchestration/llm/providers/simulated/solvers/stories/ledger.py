"""Giving and taking: what someone has after gains and losses told clause by clause."""

from __future__ import annotations

import re

from orchestration.llm.providers.simulated.numbers import numbers_in, show, with_digits
from orchestration.llm.providers.simulated.question import Question
from orchestration.llm.providers.simulated.solution import Solution, numeric

_GAINING = """
    buy buys bought get gets got receive receives received find finds found pick picks picked earn earns
    earned win wins won collect collects collected add adds added gain gains gained bake bakes baked
    arrive arrives arrived join joins joined catches caught gather gathers gathered
"""
_LOSING = """
    give gives gave eat eats ate lose loses lost sell sells sold spend spends spent use uses used donate
    donates donated throw throws threw break breaks broke drop drops dropped remove removes removed away
    leave leaves left fly flies flew share shares shared drink drinks drank
"""
_GAINS, _LOSSES = frozenset(_GAINING.split()), frozenset(_LOSING.split())
_STORY = re.compile(r"(.+?)[.,;]\s+((?:and\s+)?how (?:many|much)\b.*)$", re.IGNORECASE | re.DOTALL)
_ASKS = re.compile(r"\b(?:have|has|left|now|remain|are there|altogether|in total|in all)\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:each|times|twice|half|per|every|percent|third|quarter)\b|%", re.IGNORECASE)
_CLAUSE = re.compile(r"[.;,]\s+|\s+(?:and|then)\s+")
_GIVEN_TO_OWNER = re.compile(r"\b(?:give|gives|gave) (?:him|her|them|us|me|it)\b", re.IGNORECASE)


def solve(question: Question) -> Solution | None:
    """Follow what one owner gains and loses; decline a story in which a number's part is not clear."""
    text = with_digits(question.text).strip()
    found = _STORY.match(text)
    if not found or not _ASKS.search(found[2]) or _OTHER.search(text):
        return None
    told = [(_sign(clause), numbers_in(clause)) for clause in _CLAUSE.split(found[1])]
    counted = [(sign, values) for sign, values in told if values]
    (_, first), *changes = counted or [(0, [])]
    clear = all(len(values) == 1 for _, values in counted) and all(sign for sign, _ in changes)
    if not changes or not clear:
        return None
    total = first[0] + sum(sign * values[0] for sign, values in changes)
    said = " ".join(f"{'-' if sign < 0 else '+'} {show(values[0])}" for sign, values in changes)
    working = f"Write down what comes and what goes: {show(first[0])} {said}"
    return numeric(total, working, places=question.places)


def _sign(clause: str) -> int:
    """Return +1 for a gain, -1 for a loss, 0 when the clause is neither or both."""
    if _GIVEN_TO_OWNER.search(clause):
        return 1
    found = set(re.findall("[a-z]+", clause.lower()))
    losses = bool(found & _LOSSES)
    return (bool(found & _GAINS) or (not losses and "more" in found)) - losses
