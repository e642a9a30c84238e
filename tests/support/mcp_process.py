"""A real MCP server of the SDK as a process of its own; this one does not import the SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orchestra_site.settings.environment import ROOT
from orchestration.llm.providers.addresses import Endpoint

KEY = "mcp-secret-key-7f3a9b"


@contextmanager
def mcp_process() -> Iterator[Endpoint]:
    """Run the server, which refuses requests without the key, and give its address with the key."""
    command = [sys.executable, "-m", "tests.support.mcp_server", "--key", KEY]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        try:
            assert process.stdout is not None
            yield Endpoint(f"http://127.0.0.1:{int(process.stdout.readline())}/mcp", KEY)
        finally:
            process.kill()
