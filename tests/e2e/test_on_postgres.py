"""What waits, is leased and is recorded does so on PostgreSQL, too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.postgres_server import needs_postgres, running_postgres

pytestmark = [pytest.mark.e2e, needs_postgres]

FILES = [f"tests/services/test_{name}.py" for name in ("waiting", "answers", "execution", "leases")]


def test_the_tests_of_runs_pass_on_postgresql() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--ds=tests.support.postgres_settings",
        "-p",
        "no:cacheprovider",
    ]
    with running_postgres() as server:
        env = {**os.environ, "TESTS_POSTGRES_URL": server.url}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *FILES],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
