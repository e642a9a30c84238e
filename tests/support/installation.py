"""The installation that benchmarks use, with what only tests do to it."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.installation import Installation as BareInstallation
from orchestra_site.settings.environment import ROOT


class Installation(BareInstallation):
    """One data folder and, while it is up, one process."""

    def furnish(self, base_url: str, *names: str, **settings: float) -> None:
        """Add a provider at `base_url` that serves models of these names."""
        given = [f"{name}={value}" for name, value in settings.items()]
        self._script("tests.support.furnish", base_url, ",".join(names), *given)

    def act(self, verb: str, *given: str) -> str:
        """Do from another process what `tests.support.act` can, and return what it printed."""
        return self._script("tests.support.act", verb, *given).strip()

    def _script(self, module: str, *arguments: str) -> str:
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
