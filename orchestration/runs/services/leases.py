"""Who holds a lease, and the thread that renews a process's leases and reads what people send to its runs."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from django.db import Error, connections
from django.utils import timezone

from orchestra_site.web.logs import ThrottledWarning
from orchestration.runs.models import Command, CommandKind, Run, RunStatus

_AWAY = ThrottledWarning(
    logging.getLogger(__name__), "Leases and commands cannot be reached (%s); trying again."
)

LEASE_S = 30.0
READ_EVERY_S = 0.5
RENEW_EVERY_S = 10.0
STOP_WITHIN_S = 0.5
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def this_process() -> str:
    """Return this process's name: host, boot, process id and start, so that none is ever used twice."""
    pid = os.getpid()
    return "|".join((socket.gethostname()[:60], _boot(), str(pid), _process_start(pid)))


def is_dead(owner: str) -> bool:
    """Return whether `owner` was a process of this machine that has ended; False when unsure."""
    host, boot, pid, start = (owner.split("|") + [""] * 4)[:4]
    if host != socket.gethostname()[:60] or not pid.isdigit():
        return False
    return boot != _boot() or _process_start(int(pid)) != start


def _boot() -> str:
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()[:8]
    except OSError:
        return ""


def _process_start(pid: int) -> str:
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
    except (ProcessLookupError, PermissionError) as error:
        return isinstance(error, PermissionError)
    return True


class LeaseHeartbeat:
    """Renews leases every 10 s and reads commands twice a second, for all active runs in one query each.

    `lost` and `received` are called from this thread, `received` once for each command; a message stays open
    until a step received it.
    """

    def __init__(
        self,
        *,
        owner: str,
        active: Callable[[], Collection[UUID]],
        lost: Callable[[UUID], None],
        received: Callable[[Command], None],
    ) -> None:
        self._owner, self._active, self._lost, self._received = owner, active, lost, received
        self._wake = threading.Event()
        self._over = False
        self._open_messages: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._over = True
        self._wake.set()
        self._thread.join(STOP_WITHIN_S)

    def _work(self) -> None:
        renew_at = time.monotonic() + RENEW_EVERY_S
        while not self._over:
            self._wake.wait(READ_EVERY_S)
            self._wake.clear()
            active = list(self._active())
            if not active:
                renew_at = min(renew_at, time.monotonic() + RENEW_EVERY_S)
                continue
            try:
                self._read_commands(active)
                if time.monotonic() >= renew_at:
                    self.renew()
                    renew_at = time.monotonic() + RENEW_EVERY_S
            except Error as error:
                _AWAY.warn(error)
                connections.close_all()
        connections.close_all()

    def _read_commands(self, active: list[UUID]) -> None:
        waiting = Command.objects.filter(run_id__in=active, handled_at__isnull=True)
        ids = set(waiting.values_list("id", flat=True))
        new = ids - self._open_messages
        self._open_messages &= ids
        for command in Command.objects.filter(id__in=new).select_related("by").order_by("id"):
            if command.kind == CommandKind.MESSAGE:
                self._open_messages.add(command.id)
            else:
                Command.objects.filter(id=command.id).update(handled_at=timezone.now())
            self._received(command)

    def renew(self) -> None:
        """Renew the leases of all active runs; `lost` is called for those that are another process's now."""
        active = list(self._active())
        leased = Run.objects.filter(id__in=active, lease_owner=self._owner, status=RunStatus.RUNNING)
        if leased.update(lease_until=timezone.now() + timedelta(seconds=LEASE_S)) < len(active):
            for run in set(active) - set(leased.values_list("id", flat=True)):
                self._lost(run)
