"""The data folder: is it there, writable, and closed to others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from orchestra_site.web.health import Finding, fail, ok, warn

OTHERS = 0o077
GENERATED = ("secret_key", "encryption_key")
LEAST_FREE_BYTES = 500_000_000


def storage() -> Iterator[Finding]:
    """Look at the data folder of this installation."""
    yield from folder_findings(settings.DATA_DIR, least_free=LEAST_FREE_BYTES)


def folder_findings(folder: Path, *, least_free: int) -> Iterator[Finding]:
    """Say whether `folder` can be used and who else can read it; `least_free` is in bytes."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield fail(
            f"The data folder {folder} is missing or cannot be written to.",
            "Make it, or set ORCHESTRA_DATA_DIR.",
        )
        return
    yield _mode_of_folder(folder)
    yield from _modes_of_secrets(folder)
    free = shutil.disk_usage(folder).free
    if free < least_free:
        yield warn(f"Only {free / 1e6:,.0f} MB are free beside the data.", "Make room before writes fail.")


def _mode_of_folder(folder: Path) -> Finding:
    mode = folder.stat().st_mode & 0o777
    if mode & OTHERS:
        return warn(f"Others on this machine can look into {folder} ({mode:04o}).", f"chmod 700 {folder}")
    return ok(f"Data is kept in {folder}, for its owner only.")


def _modes_of_secrets(folder: Path) -> Iterator[Finding]:
    for path in (folder / name for name in GENERATED):
        if path.exists() and path.stat().st_mode & OTHERS:
            mode = path.stat().st_mode & 0o777
            yield fail(
                f"Others on this machine can read {path} ({mode:04o}).", f"chmod 600 {path}, then renew it."
            )
