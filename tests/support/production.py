"""The production profile for a test: a web process, workers, PostgreSQL, Redis, and a proxy's headers."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from celery import Celery

from benchmarks.installation import SIGN_IN
from orchestra_site.settings.environment import ROOT, Environment, variable_name
from tests.support.engines import until
from tests.support.postgres_server import PostgresServer, running_postgres
from tests.support.redis_server import RedisServer, running_redis

SITE = "https://orchestra.example.com"
KEYS = ("ORCHESTRA_SECRET_KEY", "ORCHESTRA_ENCRYPTION_KEYS")
PROXY = {"x-forwarded-proto": "https", "host": "orchestra.example.com"}


class Production:
    """Processes that share one database and one Redis. End them with `stop`.

    `celery` and `asgi` name the modules with the site's applications; `sign_in` is the e-mail address and
    password of the owner of its team, which has simulated models.
    """

    celery = "orchestra_site"
    asgi = "orchestra_site.asgi"
    sign_in: tuple[str, str]

    def __init__(
        self, folder: Path, postgres: PostgresServer, redis: RedisServer, provider_port: int
    ) -> None:
        self.folder, self.postgres, self.redis = folder, postgres, redis
        ours = {variable_name(field) for field in Environment.model_fields} | {"DJANGO_SETTINGS_MODULE"}
        self.environment = {name: value for name, value in os.environ.items() if name not in ours} | {
            "ORCHESTRA_PROFILE": "production",
            "ORCHESTRA_DATA_DIR": str(folder),
            "ORCHESTRA_DATABASE_URL": postgres.url,
            "ORCHESTRA_REDIS_URL": redis.url,
            "ORCHESTRA_SECRET_KEY": secrets.token_urlsafe(64),
            "ORCHESTRA_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "ORCHESTRA_ALLOWED_HOSTS": "orchestra.example.com",
            "ORCHESTRA_BEHIND_PROXY": "true",
            "ORCHESTRA_ALLOWED_ADDRESSES": f"127.0.0.1:{provider_port}",
            "PYTHONUNBUFFERED": "1",
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def prepare(self) -> None:
        """Make its tables, its static files and its team."""
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        found = SIGN_IN.search(self.manage("add_team", "Team", "--owner", "owner@example.com", "--simulated"))
        assert found is not None
        self.sign_in = found[1], found[2]

    def begin_like(self, other: Production) -> None:
        """Begin with the files, keys and team of an installation whose database this one has a copy of."""
        shutil.copytree(other.folder, self.folder, dirs_exist_ok=True)
        self.environment |= {name: other.environment[name] for name in KEYS}
        self.sign_in = other.sign_in

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py and return what it printed."""
        return self._run(sys.executable, "manage.py", *arguments)

    def script(self, module: str, *arguments: str) -> str:
        """Run a module of the tests on the same settings."""
        return self._run(sys.executable, "-m", module, *arguments)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def serve(self) -> str:
        """Start a web process, wait until it answers, and return its address: the new `address`."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        daphne = [
            "daphne",
            "--proxy-headers",
            "-b",
            "127.0.0.1",
            "-p",
            str(port),
            f"{self.asgi}:application",
        ]
        self.start(*daphne)
        self.address = f"http://127.0.0.1:{port}"
        until(self._answers, 60)
        return self.address

    def _answers(self) -> bool:
        try:
            page = httpx.get(f"{self.address}/account/sign-in/", headers=PROXY)
        except httpx.TransportError:
            return False
        return page.status_code == 200

    def work(self) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self.start("celery", "-A", self.celery, "worker", "--pool", "threads", "--loglevel", "WARNING")

    def workers(self) -> int:
        """Return how many workers answer within a second."""
        broker = self.environment["ORCHESTRA_BROKER_URL"] or self.redis.url
        with Celery(broker=broker, set_as_current=False) as app:
            return len(app.control.ping(timeout=1.0) or ())

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of the environment's programs."""
        command = [sys.executable, "-m", program, *arguments]
        with self._log_of(program).open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def said(self, program: str) -> str:
        """Return what all processes of a program have written."""
        return self._log_of(program).read_text(encoding="utf-8")

    def _log_of(self, program: str) -> Path:
        return self.folder / f"{program}.log"

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Read from the database, from outside.

        Tests look a hundred times a second: the connection is kept, until its server is started again.
        """
        try:
            return self._connected().execute(query, values).fetchall()
        except psycopg.OperationalError:
            self._disconnect()
            return self._connected().execute(query, values).fetchall()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self.postgres.url, autocommit=True)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def stop(self) -> None:
        """End every process."""
        self._disconnect()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@contextmanager
def production(
    folder: Path, provider_port: int, broker_url: str = "", like: Production | None = None
) -> Iterator[Production]:
    """Run everything but web and workers: prepared, or a copy of one that is, whose database is shut down.

    Without the address of a broker it is Redis.
    """
    folder.mkdir(exist_ok=True)
    with running_postgres(like.postgres if like else None) as postgres, running_redis(folder) as redis:
        installation = Production(folder, postgres, redis, provider_port)
        installation.environment["ORCHESTRA_BROKER_URL"] = broker_url
        try:
            installation.begin_like(like) if like else installation.prepare()
            yield installation
        finally:
            installation.stop()
