"""What watches a process from outside: standard library only, started by path with the interpreter's `-I -S`.

A byte on standard input says that the loop has turned; its end, that the process has ended.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import sys
import time
from pathlib import Path

LOOK_EVERY_S = 0.5
DUMP_WITHIN_S = 5.0


def watch(pid: int, turn_within_s: float, folder: Path, owner: str, memory: int) -> None:
    """Wait until the process ends, or end it once its loop has not turned for `turn_within_s` seconds."""
    marker = mmap.mmap(memory, 0, access=mmap.ACCESS_READ)
    silent_s = 0.0
    while silent_s < turn_within_s:
        started = time.monotonic()
        if select.select([0], [], [], LOOK_EVERY_S)[0]:
            if not os.read(0, 4096):
                return
            silent_s = 0.0
        elif not _is_suspended(pid):
            # Seconds in which this process did not run either, as while a machine sleeps, do not count.
            silent_s += min(time.monotonic() - started, 2 * LOOK_EVERY_S)
    run = marker[:].rstrip(b"\0").decode("ascii")
    _record(folder, owner, run)
    blame = f"executing run {run}" if run else "in no run's code"
    print(  # noqa: T201  # no logging is set up here
        f"The event loop of process {pid} has not turned for {silent_s:.0f} s, {blame}."
        " The process is ended; the stack of each of its threads follows.",
        file=sys.stderr,
        flush=True,
    )
    os.kill(pid, signal.SIGABRT)
    time.sleep(DUMP_WITHIN_S)
    os.kill(pid, signal.SIGKILL)


def _is_suspended(pid: int) -> bool:
    """Return whether the process was stopped by a signal or a debugger."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False


def _record(folder: Path, owner: str, run: str) -> None:
    """Write what the next sweep must know, before the process ends; a full disk does not save it."""
    written = folder / f"{os.getpid()}.{time.time_ns()}.part"
    try:
        written.write_text(json.dumps({"owner": owner, "run": run}), encoding="ascii")
        written.rename(written.with_suffix(".json"))
    except OSError as error:
        fault = f"The run to blame cannot be recorded in {folder}: {error.strerror}."
        print(fault, file=sys.stderr, flush=True)  # noqa: T201  # no logging is set up here
        with contextlib.suppress(OSError):
            written.unlink()


if __name__ == "__main__":
    # Ctrl-C reaches the whole process group; this process ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError):
        watch(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
