"""Starting other workers on the faults' data."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.faults import FOLDER, JOINED
from orchestra_site.settings.environment import ROOT


def start_worker(*arguments: str) -> subprocess.Popen[str]:
    """Start another worker; see `benchmarks.faults.worker` for what it can do."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.faults.worker", *arguments],
        cwd=ROOT,
        env=os.environ | {JOINED: str(FOLDER)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
