"""The installation that benchmarks use, with what only tests do to it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.installation import Installation as BareInstallation
from collaboration.engine.records import gathered
from orchestra_site.settings.environment import ROOT
from orchestration.llm.engine.types import Json


class Installation(BareInstallation):
    """One data folder and, while it is up, one process."""

    def begin_with(self, folder: Path) -> None:
        """Begin with a copy of the data of an installation that is not up."""
        shutil.copytree(folder, self.folder, dirs_exist_ok=True)

    def furnish(self, base_url: str, *names: str, **settings: float) -> None:
        """Add a provider at `base_url` that serves models of these names."""
        given = [f"{name}={value}" for name, value in settings.items()]
        self.script("tests.support.furnish", base_url, ",".join(names), *given)

    def invite(self, name: str, lineup: Mapping[str, Json]) -> str:
        """Add a member and a published line-up; return the value of the member's session cookie."""
        return self.script("tests.support.guest", name, json.dumps(lineup)).strip()

    def session(self, run: str) -> dict[str, Json]:
        """Return a session as its rows in the database tell it."""
        question = "select result from runs_step where run_id = ? and key like 'session/%' order by id"
        with closing(sqlite3.connect(self.folder / "orchestra.sqlite3")) as connection:
            rows = connection.execute(question, [run.replace("-", "")]).fetchall()
        return gathered("", [json.loads(row) for [row] in rows])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the database's write lock, as a backup would."""
        with closing(sqlite3.connect(self.folder / "orchestra.sqlite3", isolation_level=None)) as connection:
            connection.execute("begin immediate")
            yield

    def script(self, module: str, *arguments: str) -> str:
        """Run a module in the settings of the installation, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "orchestra_site.settings.dev"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
