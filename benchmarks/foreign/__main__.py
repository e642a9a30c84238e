"""`python -m benchmarks.foreign`: Orchestra against a real server that is not ours, step by step.

Starts an Orchestra and two servers on this machine, prints what was seen as a table (`--json`: as JSON), and
exits with 1 when anything was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import count
from pathlib import Path

from benchmarks.foreign import asking, breaking, collaborating, connecting, deciding
from benchmarks.foreign.scene import BABBLER, STAMMERER, Finding, Scene, Step
from benchmarks.foreign.server import ForeignServer
from benchmarks.installation import Installation

STEPS: tuple[Step, ...] = (
    *connecting.STEPS,
    *asking.STEPS,
    *deciding.STEPS,
    *collaborating.STEPS,
    *breaking.STEPS,
)


def findings() -> Iterator[Finding]:
    """Carry the steps out, one after the other, and yield what each found."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestra-foreign-")))
        first, second = (ForeignServer(folder, name) for name in (BABBLER, STAMMERER))
        orchestra = Installation(folder / "var")
        for server in (first, second):
            stack.callback(server.kill)
            server.up()
        stack.callback(orchestra.stop)
        orchestra.up()
        scene = Scene(
            orchestra=orchestra, member=orchestra.member(), first=first, second=second, numbers=count(11)
        )
        for step in STEPS:
            yield carried_out(step, scene)


def carried_out(step: Step, scene: Scene) -> Finding:
    """Return what a step found; one that could not even be carried out found a fault."""
    try:
        return step(scene)
    except Exception as error:  # noqa: BLE001  # the steps after it are still worth seeing
        return Finding(
            step=step.__name__.replace("_", " "), ok=False, observed=f"{type(error).__name__}: {error}"
        )


def main() -> int:
    """Print the findings; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    found: list[Finding] = []
    for finding in findings():
        found.append(finding)
        if not as_json:
            print(f"{'ok   ' if finding.ok else 'FAULT'} {finding.step:<40} {finding.observed}", flush=True)
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        print(f"{sum(each.ok for each in found)} of {len(found)} steps as they should be")
    return 0 if all(each.ok for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
