"""Runs of every kind on PostgreSQL: its columns are as wide as they say, its locks are real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.postgres_server import PostgresServer, needs_postgres, running_postgres

pytestmark = [pytest.mark.e2e, needs_postgres]
ALL = [
    f"tests/runs/test_{name}.py"
    for name in (
        *("answers", "execution", "kinds", "leases", "run_messages", "waiting"),
        *("run_search", "run_total", "deleting_runs", "exporting_runs"),
    )
]
ALL += [
    "tests/tools/test_tool_documents.py",
    "tests/library/test_triggers.py",
    "tests/library/test_moving_to_the_library.py",
]
FOR_EACH_KIND = [
    "tests/strategies/test_profiles.py",
    "tests/strategies/test_ask.py",
    "tests/runs/test_live_socket.py",
    "tests/runs/test_run_page.py",
    "tests/runs/test_run_steering.py",
    "tests/runs/test_runs_list.py",
    "tests/runs/test_runs_list_filters.py",
]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server whose database keeps its tables: the second process finds them."""
    with running_postgres() as server:
        yield server


@pytest.mark.parametrize("files", [ALL, ["-k", "second or kind", *FOR_EACH_KIND]], ids=["runs", "pages"])
def test_the_tests_of_runs_pages_and_sockets_hold(files: list[str], server: PostgresServer) -> None:
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reuse-db", *files]
    ours = {**os.environ, "TEST_DATABASE_URL": server.url}
    done = subprocess.run(tests, cwd=ROOT, env=ours, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
