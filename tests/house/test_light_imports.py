"""What is imported stays light: the engine needs no framework, a start needs no number crunching."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings

ENGINE = """
import importlib, pkgutil, orchestration
apps = [app.name for app in pkgutil.iter_modules(orchestration.__path__, "orchestration.")]
pure = ("orchestration.expressions", "orchestration.graphs")
rooms = [app if app in pure else f"{app}.engine" for app in [*apps, "pipelines", "collaboration"]]
for name in rooms:
    engine = importlib.import_module(name)
    for module in pkgutil.walk_packages(engine.__path__, f"{engine.__name__}."):
        importlib.import_module(module.name)
"""
CHECK = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "orchestra_site.settings.dev"
import django
from django.core.management import call_command
django.setup()
call_command("check")
"""
OF_A_FRAMEWORK = {"django", "channels", "celery", "httpx", "aiohttp", "asgiref", "plotly", "redis", "psycopg"}
HEAVY_OR_FOR_TESTS = {"plotly", "numpy", "pandas", "scipy", "playwright", "pytest", "hypothesis", "IPython"}
WITH_A_COMMAND_LINE = {"cel", "typer"}


def imported_by(program: str) -> set[str]:
    """Return the top-level packages in memory after `program` ran in a process of its own."""
    shown = f"{program}\nimport sys\nprint('\\n'.join(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=settings.BASE_DIR,
        env={"PATH": "", "ORCHESTRA_DATA_DIR": str(settings.DATA_DIR / "imports")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {name.split(".")[0] for name in ran.stdout.split()}


@pytest.mark.parametrize(
    ("program", "forbidden", "needed"),
    [(ENGINE, OF_A_FRAMEWORK, "orchestration"), (CHECK, HEAVY_OR_FOR_TESTS | WITH_A_COMMAND_LINE, "django")],
    ids=["the engine", "a start"],
)
def test_nothing_heavy_is_imported_by(program: str, forbidden: set[str], needed: str) -> None:
    imported = imported_by(program)
    assert needed in imported
    assert imported & forbidden == set()
