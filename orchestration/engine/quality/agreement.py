"""What it says for an answer that others, asked on their own, came to the same one.

Every question has a difficulty that all models share: each is right with a chance p, itself drawn from
Beta(SAMPLE * BASE, SAMPLE * (1 - BASE)), where BASE is what is expected of an answer of which nothing is
known. Who is wrong makes one of m mistakes, each as likely; m is 3, with more than six answers half as many
as those. So, when s of n answers are alike:

    weight of "these s are right"    = E[p^s (1 - p)^(n - s)] / m^(n - s)
    weight of "none given is right"  = E[(1 - p)^n] / m^n, times the answers that nobody gave

and their shares of the sum are probabilities: the larger of two groups is the likelier one, and one more who
agrees never hurts. An answer that stands alone comes out at BASE: nobody agreed, nobody disagreed. Of five,
all alike mean 0.99, three against two loners 0.72, no two alike 0.16 each. Models learn from the same texts,
so that no number of them makes sure: more than SUREST is never said. Nothing here is learned; the constants
are round numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

from orchestration.engine.consensus.extraction import extract_answer
from orchestration.engine.consensus.grouping import Group, comparable_groups
from orchestration.engine.quality.evidence import Finding
from orchestration.engine.quality.scoring import BASE, PRIOR, log_odds
from orchestration.engine.types import Candidate

SAMPLE = 2.0
FEWEST_MISTAKES = 3
SUREST = 0.99
LONGEST_SHOWN = 60


def compare(question: str, candidates: Sequence[Candidate]) -> Mapping[str, Finding]:
    """Return for each answer that can be compared, by its step, what the others say for or against it.

    Free text that nobody else wrote is no dissent: the same can be said in other words. It is left out,
    unless most others came to an answer that can be compared: then it stands for none of theirs.
    """
    answers = [extract_answer(candidate.text, question=question) for candidate in candidates]
    groups = comparable_groups(answers)
    if sum(len(group.members) for group in groups) < 2:  # noqa: PLR2004
        return {}
    sizes = [len(group.members) for group in groups]
    found = {
        candidates[member].step: _finding(group, chance, groups)
        for group, chance in zip(groups, probabilities(sizes), strict=True)
        for member in group.members
    }
    silent = [candidate for candidate in candidates if candidate.step not in found]
    if silent and sum(sizes) > len(silent):
        found |= dict.fromkeys((each.step for each in silent), _unlike(groups))
    return found


def probabilities(sizes: Sequence[int]) -> list[float]:
    """Return for each group of equal answers, given all groups' sizes, the chance that it is right."""
    total = sum(sizes)
    mistakes = max(FEWEST_MISTAKES, total / 2)
    left = max(1.0, mistakes + 1 - len(sizes))
    weights = [_log_weight(size, total, mistakes) for size in sizes]
    nobody = _log_weight(0, total, mistakes) + math.log(left)
    highest = max(*weights, nobody)
    odds = [math.exp(weight - highest) for weight in weights]
    return [each / (sum(odds) + math.exp(nobody - highest)) for each in odds]


def _log_weight(right: int, total: int, mistakes: float) -> float:
    """Return the logarithm of the chance of `right` right answers and the rest spread over mistakes."""
    able, unable = SAMPLE * BASE, SAMPLE * (1 - BASE)
    wrong = total - right
    rises = chain(
        (able + step for step in range(right)),
        (unable + step for step in range(wrong)),
    )
    falls = (SAMPLE + step for step in range(total))
    return sum(map(math.log, rises)) - sum(map(math.log, falls)) - wrong * math.log(mistakes)


def _finding(group: Group, chance: float, groups: Sequence[Group]) -> Finding:
    total, size = sum(len(each.members) for each in groups), len(group.members)
    others = [each for each in groups if each is not group]
    words = f"{size} of {total} comparable answers: {_shown(group)}."
    if others:
        rival = max(others, key=lambda each: len(each.members))
        words = f"{words} The strongest other: {_shown(rival)}, {len(rival.members)} of {total}."
    return Finding(check="agreement", evidence=words, effect=_effect(chance))


def _unlike(groups: Sequence[Group]) -> Finding:
    """Return what is said of an answer in which none of the others' is found: it is one more, by itself."""
    sizes = [len(group.members) for group in groups]
    leader = max(groups, key=lambda each: len(each.members))
    words = (
        "No answer like the others' can be read in it."
        f" The strongest: {_shown(leader)}, {len(leader.members)} of {sum(sizes)}."
    )
    effect = _effect(probabilities([*sizes, 1])[-1])
    return Finding(check="agreement", evidence=words, effect=effect)


def _effect(chance: float) -> float:
    """Return how a chance moves the log-odds that every answer starts from."""
    return log_odds(min(max(chance, 1 - SUREST), SUREST)) - PRIOR


def _shown(group: Group) -> str:
    text = " ".join(group.raw.split())
    return f"“{text}”" if len(text) <= LONGEST_SHOWN else f"“{text[:LONGEST_SHOWN]}…”"
