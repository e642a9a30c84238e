"""Watching a process where nothing can be written: it is still ended, and the fault is said."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestration.runs.services.watchdog import NO_RUN, PROGRAM


def test_a_full_disk_does_not_save_a_process_that_stands_still(tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    folder.write_text("no folder, so that nothing can be written in it", encoding="ascii")
    blocked = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with tempfile.TemporaryFile() as memory:
        memory.write(NO_RUN)
        memory.flush()
        watched = [str(blocked.pid), "1", str(folder), "owner", str(memory.fileno())]
        watching = subprocess.Popen(
            [sys.executable, "-I", "-S", str(PROGRAM), *watched],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[memory.fileno()],
            text=True,
        )
        assert blocked.wait(20) == -signal.SIGABRT
        _, said = watching.communicate(timeout=20)
    assert "cannot be recorded" in said
    assert "Traceback" not in said
