"""The weight of each voter, fitted to earlier votes with a known right answer.

A conditional logit over the groups of equal answers: the probability that a group is the right one is
proportional to exp(sum of its voters' weights). Unlike the accuracy of each voter by itself, it sees which
voters err together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp

SMALLEST, LARGEST = 0.0, 10.0
EVEN = 1.0
"""The prior weight of each voter: all equal, which is plurality."""

PRIOR_STRENGTH = 10.0
"""Strength of the prior; for comparison, a vote that two voters decide has a curvature of up to 1/4."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastVote:
    """An earlier vote: each voter's answer key (None abstained) and the right one where it is known."""

    answers: Mapping[str, str | None]
    right: str | None = None

    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return the voters of each answer."""
        found: dict[str, tuple[str, ...]] = {}
        for voter, key in sorted(self.answers.items()):
            if key is not None:
                found[key] = (*found.get(key, ()), voter)
        return found


def fit_weights(votes: Sequence[PastVote], *, strength: float = PRIOR_STRENGTH) -> Mapping[str, float]:
    """Return each voter's weight, from 0 to 10, such that the right groups tend to weigh the most.

    A voter worse than chance gets 0. Votes without a label, and those without a right answer, have no effect.
    """
    voters = sorted({voter for vote in votes for voter in vote.answers})
    fitted = fit_logit(_choices(votes), voters, dict.fromkeys(voters, EVEN), strength=strength)
    return {voter: round(min(LARGEST, max(SMALLEST, weight)), 6) for voter, weight in fitted.items()}


def _choices(votes: Iterable[PastVote]) -> list[DecidedVote]:
    decided = ((vote.right, vote.groups()) for vote in votes)
    return [
        DecidedVote(groups=tuple(groups.values()), right=list(groups).index(right))
        for right, groups in decided
        if right is not None and right in groups and len(groups) > 1
    ]


MOST_STEPS = 50
LONGEST_STEP = 1.0
CLOSE = 1e-8

_Matrix = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedVote:
    """Disjoint groups of voters and the index of the right one."""

    groups: tuple[tuple[str, ...], ...]
    right: int


def fit_logit(
    choices: Sequence[DecidedVote], voters: Sequence[str], prior: Mapping[str, float], *, strength: float
) -> Mapping[str, float]:
    """Return the weights of the greatest likelihood, less `strength` / 2 times squared distance from `prior`.

    Newton's method; the problem is concave, so that there is one solution, reached from any start.
    """
    place = {voter: index for index, voter in enumerate(voters)}
    grouped = [[[place[voter] for voter in group] for group in choice.groups] for choice in choices]
    weights = [prior[voter] for voter in voters]
    for _ in range(MOST_STEPS):
        gradient = [strength * (prior[voter] - weights[index]) for index, voter in enumerate(voters)]
        curvature = [
            [strength if row == column else 0.0 for column in place.values()] for row in place.values()
        ]
        for choice, groups in zip(choices, grouped, strict=True):
            _add(gradient, curvature, groups, choice.right, weights)
        step = _bounded(LONGEST_STEP, solve(curvature, gradient))
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max((abs(change) for change in step), default=0.0) < CLOSE:
            break
    return dict(zip(voters, weights, strict=True))


def _bounded(longest: float, step: Sequence[float]) -> list[float]:
    """Bound the length of a step: far from the solution Newton's method may overshoot."""
    factor = min(1.0, longest / max(longest, *map(abs, step))) if step else 1.0
    return [factor * change for change in step]


def _add(
    gradient: list[float],
    curvature: _Matrix,
    groups: Sequence[Sequence[int]],
    right: int,
    weights: Sequence[float],
) -> None:
    """Add the gradient and curvature of one vote."""
    shares = _shares(groups, weights)
    owner = [(voter, index) for index, group in enumerate(groups) for voter in group]
    for voter, group in owner:
        gradient[voter] += (group == right) - shares[group]
        row = curvature[voter]
        for other, others_group in owner:
            together = shares[group] if group == others_group else 0.0
            row[other] += together - shares[group] * shares[others_group]


def _shares(groups: Sequence[Sequence[int]], weights: Sequence[float]) -> list[float]:
    sums = [sum(weights[voter] for voter in group) for group in groups]
    highest = max(sums)
    odds = [exp(each - highest) for each in sums]
    total = sum(odds)
    return [each / total for each in odds]


def solve(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve a system whose matrix is symmetric and positive definite (Gauss, no pivoting needed)."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for pivot in range(size):
        for row in range(pivot + 1, size):
            factor = rows[row][pivot] / rows[pivot][pivot]
            for column in range(pivot, size + 1):
                rows[row][column] -= factor * rows[pivot][column]
    solution = [0.0] * size
    for row in reversed(range(size)):
        known = sum(rows[row][column] * solution[column] for column in range(row + 1, size))
        solution[row] = (rows[row][size] - known) / rows[row][row]
    return solution
