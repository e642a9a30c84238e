"""A conditional logit over groups of voters, fitted by Newton's method with a pull towards given weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

MOST_STEPS = 50
LONGEST_STEP = 1.0
CLOSE = 1e-8

_Matrix = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Disjoint groups of voters and the place of the right one."""

    groups: tuple[tuple[str, ...], ...]
    right: int


def fit_logit(
    choices: Sequence[Choice], voters: Sequence[str], prior: Mapping[str, float], *, pull: float
) -> Mapping[str, float]:
    """Return the weights that make the right groups likeliest.

    `pull` / 2 times the squared distance from `prior` counts against them. The problem is concave: there is
    one answer, and it is reached from anywhere.
    """
    place = {voter: index for index, voter in enumerate(voters)}
    grouped = [[[place[voter] for voter in group] for group in choice.groups] for choice in choices]
    weights = [prior[voter] for voter in voters]
    for _ in range(MOST_STEPS):
        slope = [pull * (prior[voter] - weights[index]) for index, voter in enumerate(voters)]
        bend = [[pull if row == column else 0.0 for column in place.values()] for row in place.values()]
        for choice, groups in zip(choices, grouped, strict=True):
            _add(slope, bend, groups, choice.right, weights)
        step = _at_most(LONGEST_STEP, solve(bend, slope))
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max((abs(change) for change in step), default=0.0) < CLOSE:
            break
    return dict(zip(voters, weights, strict=True))


def _at_most(longest: float, step: Sequence[float]) -> list[float]:
    """Shorten a step: far from the answer Newton's may overshoot it."""
    factor = min(1.0, longest / max(longest, *map(abs, step))) if step else 1.0
    return [factor * change for change in step]


def _add(
    slope: list[float], bend: _Matrix, groups: Sequence[Sequence[int]], right: int, weights: Sequence[float]
) -> None:
    """Add one choice's gradient and curvature."""
    shares = _shares(groups, weights)
    owner = [(voter, index) for index, group in enumerate(groups) for voter in group]
    for voter, group in owner:
        slope[voter] += (group == right) - shares[group]
        row = bend[voter]
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
