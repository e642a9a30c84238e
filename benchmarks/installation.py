"""A whole Orchestra of its own: `manage.py up` in a process, on a fresh data folder and a free port."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.member import Member
from benchmarks.waiting import until
from orchestra_site.settings.environment import ROOT, Environment, variable_name

READY = re.compile(r"ready at (http://\S+)")
SIGN_IN = re.compile(r"e-mail\s+(\S+)\s+password\s+(\S+)")
START_WITHIN_S = 60.0


class Installation:
    """One data folder and, while it is up, one process. Stop it with `stop`, `interrupt` or `kill`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = settings
        self.program = ["manage.py"]
        self.printed = ""
        self.address = ""
        self._process: subprocess.Popen[str] | None = None
        self._members: list[Member] = []

    @property
    def environment(self) -> dict[str, str]:
        """What its processes find in the environment: nothing of ours but what was asked for."""
        ours = {variable_name(field) for field in Environment.model_fields} | {"DJANGO_SETTINGS_MODULE"}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return kept | {"ORCHESTRA_DATA_DIR": str(self.folder), "PYTHONUNBUFFERED": "1"} | self.settings

    @property
    def sign_in(self) -> tuple[str, str]:
        """The e-mail address and password that the first start printed."""
        found = SIGN_IN.search(self.printed)
        assert found is not None, self.printed
        return found[1], found[2]

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process."""
        assert self._process is not None, "it is not up"
        return self._process

    def up(self, *arguments: str) -> str:
        """Start it, wait until it is ready and return its address."""
        self.address = ""
        self._process = subprocess.Popen(
            [sys.executable, *self.program, "up", "--port", "0", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=[self._process], daemon=True).start()
        until(lambda: self.address or self.process.poll() is not None, START_WITHIN_S, "the start")
        assert self.address, self.printed
        return self.address

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.printed += line
            ready = READY.search(line)
            if ready:
                self.address = ready[1]
        process.stdout.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def interrupt(self, within_s: float = 10.0) -> int:
        """Press Ctrl-C and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(within_s)

    def stop(self) -> None:
        """End it if it is up."""
        for member in self._members:
            member.client.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def member(self) -> Member:
        """Return the demo team's owner, signed in."""
        self._members.append(Member(self.address, self.sign_in))
        return self._members[-1]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of `manage.py` on the same data."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read from the database, from outside."""
        connection = sqlite3.connect(f"file:{self.folder}/orchestra.sqlite3?mode=ro", uri=True, timeout=20)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()
