"""Who holds a lease: a process told apart from every other one, also after a restart of the machine."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def this_process() -> str:
    """Return this process's name: host, boot, process id and start, so that none is ever used twice."""
    pid = os.getpid()
    return "|".join((socket.gethostname()[:60], _boot(), str(pid), _start_of(pid)))


def is_dead(owner: str) -> bool:
    """Tell whether `owner` was a process of this machine and is gone; unsure means no."""
    host, boot, pid, start = (owner.split("|") + [""] * 4)[:4]
    if host != socket.gethostname()[:60] or not pid.isdigit():
        return False
    return boot != _boot() or _start_of(int(pid)) != start


def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """Return when a process started, in ticks; "-" where that cannot be read, "" without a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return "-" if not Path("/proc/self").exists() and _exists(pid) else ""
    except OSError:
        return "-"
    state, start = fields[0], fields[19]
    return "" if state == "Z" else start


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
