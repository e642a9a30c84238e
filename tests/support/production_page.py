"""The server of docs/production.md: its files and commands, with everything in a folder of a test."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from orchestra_site.settings.environment import ROOT, Environment, variable_name
from tests.support.postgres_server import INITDB, PostgresServer
from tests.support.redis_server import RedisServer

PAGE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## \d+\. (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`(/\S+)`(?:[^\n]|\n(?!\n))*\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall(PAGE))
ELSEWHERE = (
    "systemctl",
    "apt-get",
    "chgrp",
    "useradd",
    "git ",
    "make ",
    "rabbitmqctl",
    "sudo -u postgres createuser",
)
"""What a test does not do: it has no systemd, and every file and program belongs to its own user."""


def commands(section: str) -> list[str]:
    """Return the shell commands of a section that a test can run, each a line."""
    parts = SECTION.split(PAGE)
    text = parts[parts.index(section) + 1]
    blocks = [block for block in BLOCK.findall(text) if block not in FILES.values()]
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(ELSEWHERE)]


class DescribedServer:
    """Files, commands and services of the page. End its services with `stop`."""

    def __init__(self, folder: Path, postgres: PostgresServer, redis: RedisServer) -> None:
        self.folder = folder
        programs, database = Path(sys.executable).parent, urlsplit(postgres.url)
        self._place = {
            "/opt/orchestra/.venv/bin": str(programs),
            "exec .venv/bin": f"exec {programs}",
            "/opt/orchestra": str(ROOT),
            "/etc/orchestra/environment": str(folder / "environment"),
            "/var/lib/orchestra": str(folder / "data"),
            "/var/backups/orchestra": str(folder / "backups"),
            "sudo -u orchestra orchestra ": f"{folder / 'orchestra'} ",
            "sudo -u orchestra ": "",
            "sudo -u postgres ": "",
            " -o orchestra -g orchestra": "",
            "postgresql://%2Fvar%2Frun%2Fpostgresql/": f"postgresql://{database.netloc}/",
            "redis://127.0.0.1:6379/0": redis.url,
        }
        server = {"PGHOST": "127.0.0.1", "PGPORT": str(database.port), "PGUSER": str(database.username)}
        ours = {variable_name(field) for field in Environment.model_fields} | {"DJANGO_SETTINGS_MODULE"}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        path = f"{Path(str(INITDB)).parent}:{os.environ['PATH']}"
        self._environment = kept | server | {"PATH": path, "PYTHONUNBUFFERED": "1"}
        self.services: list[subprocess.Popen[bytes]] = []

    def placed(self, text: str) -> str:
        """Return a text of the page with the paths and addresses of this test."""
        for described, here in self._place.items():
            text = text.replace(described, here)
        return text

    def write(self, described: str, *, mode: int = 0o644) -> Path:
        """Write a file of the page."""
        path = self.folder / Path(described).name
        path.write_text(self.placed(FILES[described]), encoding="utf-8")
        path.chmod(mode)
        return path

    def run(self, command: str) -> str:
        """Run a command of the page and return what it printed."""
        done = subprocess.run(
            ["sh", "-ec", self.placed(command)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @property
    def settings(self) -> dict[str, str]:
        """What systemd gives to the services: the lines of the file."""
        lines = (self.folder / "environment").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def start(self, unit: str, instance: str) -> None:
        """Start a service as its unit says."""
        lines = self.placed(FILES[f"/etc/systemd/system/{unit}@.service"]).splitlines()
        command = next(line for line in lines if line.startswith("ExecStart=")).removeprefix("ExecStart=")
        folder = next(line for line in lines if line.startswith("WorkingDirectory="))
        with (self.folder / f"{unit}.log").open("ab") as log:
            service = subprocess.Popen(
                shlex.split(command.replace("%i", instance).replace("%%", "%")),
                cwd=folder.removeprefix("WorkingDirectory="),
                env=self._environment | self.settings,
                stdout=log,
                stderr=log,
            )
        self.services.append(service)

    def stop(self) -> None:
        """Stop the services as systemd does."""
        while self.services:
            service = self.services.pop()
            service.terminate()
            try:
                service.wait(30)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait(10)


def program(name: str) -> str | None:
    """Return where a program is that Debian may keep off the path of users."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
