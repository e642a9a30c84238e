"""Stopping a process, or all of a group, and knowing that it has stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.support.engines import until

STOPPED = "T"


def pause(pid: int) -> None:
    """Stop a process, and return when none of its threads can answer any more.

    The signal goes to one thread, which tells the others once it gets a processor: on a busy machine a thread
    that serves a connection may answer in the meantime.
    """
    os.kill(pid, signal.SIGSTOP)
    until(lambda: _is_stopped(pid))


def pause_group(group: int) -> None:
    """Stop all processes of a group as `pause` does one."""
    os.killpg(group, signal.SIGSTOP)
    everything = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    members = [pid for pid in everything if _group_of(pid) == group]
    until(lambda: all(map(_is_stopped, members)))


def _is_stopped(pid: int) -> bool:
    """Return whether all threads of a process are stopped."""
    threads = Path("/proc", str(pid), "task").glob("*/stat")
    return all(_state(thread) == STOPPED for thread in threads)


def _group_of(pid: int) -> int | None:
    """Return the group of a process, None when it has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _state(stat: Path) -> str:
    """Return the state of a thread: it stands behind the name, which may hold anything.

    One that ended in the meantime is as good as stopped.
    """
    try:
        return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return STOPPED
