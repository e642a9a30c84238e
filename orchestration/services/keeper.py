"""The thread that keeps a process's leases alive and hears what people tell its runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from uuid import UUID

from django.db import Error, connections
from django.utils import timezone

from orchestration.models import Command, CommandKind, Run, RunStatus
from orchestration.services.claims import LEASE_S

logger = logging.getLogger(__name__)

LISTEN_EVERY_S = 0.5
RENEW_EVERY_S = 10.0
LEAVE_WITHIN_S = 0.5


class Keeper:
    """Renews leases every 10 s and reads commands twice a second, for all active runs in one query each.

    `lost` and `told` are called from this thread. A message stays open until a step received it, and is told
    once.
    """

    def __init__(
        self,
        *,
        owner: str,
        active: Callable[[], Collection[UUID]],
        lost: Callable[[UUID], None],
        told: Callable[[Command], None],
    ) -> None:
        self._owner, self._active, self._lost, self._told = owner, active, lost, told
        self._wake = threading.Event()
        self._over = False
        self._open_messages: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)

    def start(self) -> None:
        """Start keeping."""
        self._thread.start()

    def wake(self) -> None:
        """Look for commands now."""
        self._wake.set()

    def stop(self) -> None:
        """Stop keeping."""
        self._over = True
        self._wake.set()
        self._thread.join(LEAVE_WITHIN_S)

    def _work(self) -> None:
        renew_at = time.monotonic() + RENEW_EVERY_S
        while not self._over:
            self._wake.wait(LISTEN_EVERY_S)
            self._wake.clear()
            active = list(self._active())
            if not active:
                renew_at = min(renew_at, time.monotonic() + RENEW_EVERY_S)
                continue
            try:
                self._listen(active)
                if time.monotonic() >= renew_at:
                    self._renew(active)
                    renew_at = time.monotonic() + RENEW_EVERY_S
            except Error as error:
                logger.warning("Leases and commands cannot be reached (%s); trying again.", error)
                connections.close_all()
        connections.close_all()

    def _listen(self, active: list[UUID]) -> None:
        waiting = Command.objects.filter(run_id__in=active, handled_at__isnull=True)
        ids = set(waiting.values_list("id", flat=True))
        new = ids - self._open_messages
        self._open_messages &= ids
        for command in Command.objects.filter(id__in=new).select_related("by").order_by("id"):
            if command.kind == CommandKind.MESSAGE:
                self._open_messages.add(command.id)
            else:
                Command.objects.filter(id=command.id).update(handled_at=timezone.now())
            self._told(command)

    def _renew(self, active: list[UUID]) -> None:
        held = Run.objects.filter(id__in=active, lease_owner=self._owner, status=RunStatus.RUNNING)
        if held.update(lease_until=timezone.now() + timedelta(seconds=LEASE_S)) < len(active):
            for run in set(active) - set(held.values_list("id", flat=True)):
                self._lost(run)
