"""What every kind of run is offered, on PostgreSQL: columns are as wide as they say, locks are real."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.postgres_server import needs_postgres, running_postgres

pytestmark = [pytest.mark.e2e, needs_postgres]
FILES = [
    "tests/services/test_kinds.py",
    "tests/services/test_profiles.py",
    "tests/web/test_ask.py",
    "tests/web/test_live_socket.py",
    "tests/web/test_run_page.py",
    "tests/web/test_run_steering.py",
    "tests/web/test_runs_list.py",
    "tests/web/test_runs_list_filters.py",
]


def test_the_tests_of_runs_pages_and_sockets_hold_for_the_second_kind() -> None:
    with running_postgres() as server:
        tests = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "second or kind",
            *FILES,
        ]
        ours = {**os.environ, "TEST_DATABASE_URL": server.url, "COVERAGE_PROCESS_CONFIG": ""}
        done = subprocess.run(
            tests, cwd=ROOT, env=ours, capture_output=True, text=True, timeout=300, check=False
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
