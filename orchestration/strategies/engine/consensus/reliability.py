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


MOST_STEPS = 50
LONGEST_STEP = 1.0
CLOSE = 1e-8

_Matrix = list[list[float]]
_Choice = tuple[list[list[int]], int]
"""Disjoint groups of voters, by their places, and the index of the right one."""


def fit_weights(votes: Sequence[PastVote], *, strength: float = PRIOR_STRENGTH) -> Mapping[str, float]:
    """Return each voter's weight, such that the right groups tend to weigh the most.

    The weights of the greatest likelihood, less `strength` / 2 times the squared distance from even weights,
    by Newton's method: the problem is concave, so that there is one solution, reached from any start. Votes
    without a label, and those that nobody got right, have no effect. A voter worse than chance gets 0, nobody
    more than 10.
    """
    voters = sorted({voter for vote in votes for voter in vote.answers})
    choices = _choices(votes, voters)
    weights, places = [EVEN] * len(voters), range(len(voters))
    for _ in range(MOST_STEPS):
        gradient = [strength * (EVEN - weight) for weight in weights]
        curvature = [[strength * (row == column) for column in places] for row in places]
        for groups, right in choices:
            _add(gradient, curvature, groups, right, weights)
        step = solve(curvature, gradient)
        factor = LONGEST_STEP / max([LONGEST_STEP, *map(abs, step)])  # far away the method may overshoot
        weights = [weight + factor * change for weight, change in zip(weights, step, strict=True)]
        if all(abs(factor * change) < CLOSE for change in step):
            break
    return {
        voter: round(min(LARGEST, max(SMALLEST, weight)), 6)
        for voter, weight in zip(voters, weights, strict=True)
    }


def _choices(votes: Iterable[PastVote], voters: Sequence[str]) -> list[_Choice]:
    """Return the votes with several answers of which one is known to be right."""
    place = {voter: index for index, voter in enumerate(voters)}
    found: list[_Choice] = []
    for vote in votes:
        groups: dict[str, list[int]] = {}
        for voter, key in sorted(vote.answers.items()):
            if key is not None:
                groups.setdefault(key, []).append(place[voter])
        if vote.right is not None and vote.right in groups and len(groups) > 1:
            found.append((list(groups.values()), list(groups).index(vote.right)))
    return found


def _add(
    gradient: list[float],
    curvature: _Matrix,
    groups: Sequence[Sequence[int]],
    right: int,
    weights: Sequence[float],
) -> None:
    """Add the gradient and curvature of one vote."""
    sums = [sum(weights[voter] for voter in group) for group in groups]
    odds = [exp(each - max(sums)) for each in sums]
    total = sum(odds)
    shares = [each / total for each in odds]
    owner = [(voter, index) for index, group in enumerate(groups) for voter in group]
    for voter, group in owner:
        gradient[voter] += (group == right) - shares[group]
        row = curvature[voter]
        for other, others_group in owner:
            together = shares[group] if group == others_group else 0.0
            row[other] += together - shares[group] * shares[others_group]


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
