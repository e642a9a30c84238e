"""`python -m benchmarks.faults [NAME...]`: inject faults and report what became of the runs.

Exit code 1 when a limit is exceeded; the data folder is kept then.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.faults import FOLDER
from benchmarks.faults.cancelling import cancelling
from benchmarks.faults.delivering import delivering
from benchmarks.faults.evaluations import evaluations
from benchmarks.faults.findings import Finding, show
from benchmarks.faults.kills import kills
from benchmarks.faults.locking import locking
from benchmarks.faults.pausing import pausing
from benchmarks.faults.sessions import sessions
from benchmarks.faults.tables import tables
from benchmarks.faults.world import World, world

Fault = Callable[[World], list[Finding]]


def chosen_faults(given: argparse.Namespace) -> dict[str, Fault]:
    """Return all faults by name, as large as was asked for."""
    return {
        "kills": partial(kills, runs=given.runs, strikes=given.kills),
        "sessions": partial(sessions, runs=given.sessions, strikes=given.kills),
        "evaluations": partial(evaluations, items=given.items, strikes=given.kills),
        "cancelling": cancelling,
        "delivering": delivering,
        "pausing": pausing,
        "locking": partial(locking, rounds=given.rounds),
        "tables": lambda _: tables(given.seed, rounds=given.rounds),
    }


def main() -> int:
    """Inject the chosen faults, or all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="kills, sessions, evaluations, cancelling, delivering, pausing, locking, tables",
    )
    parser.add_argument("--runs", type=int, default=300, help="runs of `kills` (300)")
    parser.add_argument("--kills", type=int, default=30, help="kills of the first three (30)")
    parser.add_argument("--sessions", type=int, default=60, help="sessions of `sessions` (60)")
    parser.add_argument("--items", type=int, default=400, help="items of `evaluations` (400)")
    parser.add_argument(
        "--rounds", type=int, default=10, help="rounds of `locking` and `tables`, six runs each (10)"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="of the random instants")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    faults = chosen_faults(given)
    if unknown := set(given.names) - faults.keys():
        parser.error(f"There is no fault called {', '.join(sorted(unknown))}.")
    found: dict[str, list[Finding]] = {}
    with world(given.seed) as here:
        for name in given.names or faults:
            here.begin()
            found[name] = faults[name](here)
    if not given.json:
        print(f"seed {given.seed}")
    holds = show(found, seed=given.seed, as_json=given.json)
    if holds:
        shutil.rmtree(FOLDER, ignore_errors=True)
    else:
        print(f"The data is kept in {FOLDER}.", file=sys.stderr)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
