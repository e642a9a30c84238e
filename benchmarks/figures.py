"""A figure as it is printed: median of several runs with the spread, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured quantity; `goal` is what it should not exceed."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    goal: float | None = None


def figure(name: str, unit: str, values: Sequence[float], goal: float | None = None) -> Figure:
    """Return the figure that `values` make."""
    middle, least, most = (round(each, 4) for each in (median(values), min(values), max(values)))
    return Figure(name=name, unit=unit, median=middle, least=least, most=most, goal=goal)


def show(figures: Sequence[Figure], *, as_json: bool) -> None:
    """Print figures as JSON or as a table."""
    if as_json:
        print(json.dumps([asdict(each) for each in figures], indent=2))
        return
    width = max(len(each.name) for each in figures)
    print(f"{'figure':<{width}}  {'median':>9} {'least':>9} {'most':>9} {'goal':>7}  unit")
    for each in figures:
        goal = "" if each.goal is None else f"{each.goal:g}"
        spread = f"{each.median:>9.3f} {each.least:>9.3f} {each.most:>9.3f}"
        print(f"{each.name:<{width}}  {spread} {goal:>7}  {each.unit}")


def main(measure: Callable[[int], Sequence[Figure]], *, rounds: int) -> None:
    """Run a script: `--rounds N` measures that often, `--json` prints JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    show(measure(given.rounds), as_json=given.json)
