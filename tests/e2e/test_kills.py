"""The faults of `make faults`, small: killed at random instants, an installation loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from orchestra_site.settings.environment import ROOT

pytestmark = pytest.mark.e2e


def test_forty_runs_under_four_kills_all_end_and_nothing_that_ended_is_asked_again() -> None:
    command = [sys.executable, "-m", "benchmarks.faults", "kills", "--runs", "40", "--kills", "4", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["what"]: finding["found"] for finding in json.loads(done.stdout)["faults"]["kills"]}
    assert found["runs accepted"] == 40
    assert found["calls for steps that had ended"] == 0
