"""The faults of `make faults`, small: killed at random instants, an installation loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from orchestra_site.settings.environment import ROOT

pytestmark = pytest.mark.e2e


def test_runs_and_an_evaluation_under_kills_end_and_nothing_that_ended_is_asked_again() -> None:
    small = ("--runs", "40", "--kills", "4", "--items", "20", "--json")
    command = [sys.executable, "-m", "benchmarks.faults", "kills", "evaluations", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    faults = json.loads(done.stdout)["faults"]
    kills, evaluations = ({each["what"]: each["found"] for each in found} for found in faults.values())
    assert (kills["runs accepted"], kills["calls for steps that had ended"]) == (40, 0)
    assert evaluations["kills while it went on"] > 0
    assert (evaluations["outcomes"], evaluations["outcomes other than without kills"]) == (60, 0)
