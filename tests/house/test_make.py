"""`make run` starts again after the watchdog and after nothing else; `make install` takes what runs."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestra_site.settings.environment import ROOT
from tests.support.engines import until

RESTARTING = [sys.executable, "-m", "orchestra_site.management.restarting"]


def planned(target: str) -> str:
    """Return what make would do for a target in a fresh checkout."""
    done = subprocess.run(
        ["make", "-n", target, "READY=/none/ready", "INSTALLED=/none/installed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed; .ci/run installs it")
def test_install_takes_the_locked_packages_without_the_development_ones() -> None:
    assert re.findall(r"--require-hashes -r (\S+)", planned("install")) == ["requirements/base.txt"]
    assert re.findall(r"--require-hashes -r (\S+)", planned("setup")) == ["requirements/dev.txt"]
    assert "orchestra_site.management.restarting .venv/bin/python manage.py up" in planned("run")


@pytest.mark.parametrize(
    ("ends", "starts", "status"),
    [
        (["os.abort()", "sys.exit(134)", "sys.exit(3)"], 3, 3),
        (["sys.exit(0)"], 1, 0),
        (["sys.exit(1)"], 1, 1),
        (["os.kill(os.getpid(), 9)"], 1, 137),
    ],
    ids=["aborted", "ended well", "failed", "killed"],
)
def test_a_command_is_started_again_after_sigabrt_only(
    tmp_path: Path, ends: list[str], starts: int, status: int
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"import os, pathlib, sys\nplace = pathlib.Path({str(tmp_path / 'starts')!r})\n"
        "number = int(place.read_text()) if place.exists() else 0\nplace.write_text(str(number + 1))\n"
        f"exec({ends!r}[number])\n",
        encoding="utf-8",
    )
    command = [*RESTARTING, sys.executable, str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert (tmp_path / "starts").read_text(encoding="ascii") == str(starts)
    assert done.stderr.count("starts again") == starts - 1


def test_sigterm_ends_the_command_too(tmp_path: Path) -> None:
    there = tmp_path / "there"
    program = f"import pathlib, time; pathlib.Path({str(there)!r}).touch(); time.sleep(60)"
    process = subprocess.Popen([*RESTARTING, sys.executable, "-c", program], cwd=ROOT)
    until(there.exists)
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
