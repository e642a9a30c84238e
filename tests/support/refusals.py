"""Places where a process cannot write, and processes that are not allowed to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
SMALL_FILES = ["prlimit", "--fsize=200000", "--"]
"""A command's beginning that lets it write files of at most 200 kB, as a quota would."""


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount an empty file system with these options."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def close_to_us(path: Path) -> list[str]:
    """Take a file or folder away from us; return the beginning of a command that cannot touch it.

    Root may do everything: its command gives up that right, and the file goes to somebody else.
    """
    if os.geteuid():
        path.chmod(0)
        return []
    shutil.chown(path, NOBODY)
    path.chmod(0o700)
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def left_in(folder: Path) -> list[str]:
    """Return everything under a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
