"""Start to ready of the embedded profile with its database there, and its memory when idle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, figure, main

IDLE_AFTER_S = 3.0


def start(folder: str) -> tuple[subprocess.Popen[str], float]:
    """Start the server and return it with the seconds until it was ready."""
    environment = os.environ | {"ORCHESTRA_DATA_DIR": folder, "PYTHONUNBUFFERED": "1"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "ready at" in line:
            return process, time.perf_counter() - started
    message = "the server did not start"
    raise RuntimeError(message)


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024


def measure(rounds: int) -> list[Figure]:
    """Start several times on one database; the first start, which makes it, does not count."""
    seconds: list[float] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory(prefix="orchestra-bench-") as folder:
        for round_ in range(rounds + 1):
            process, ready = start(folder)
            time.sleep(IDLE_AFTER_S)
            if round_:
                seconds.append(ready)
                memory.append(memory_mb(process.pid))
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    return [
        figure("start to ready, database there", "s", seconds, 2.5),
        figure("memory when idle", "MB", memory, 150),
    ]


if __name__ == "__main__":
    main(measure, rounds=5)
