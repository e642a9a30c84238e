"""Environments of third-party software that benchmarks use, each made once in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path


def python_with(requirements: Path, name: str) -> Path:
    """Return the Python of an environment with what a locked file names; make that where it is missing."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = cache / "orchestra" / f"{name}-{pins}-py{sys.version_info.major}.{sys.version_info.minor}"
    python, finished = folder / "bin" / "python", folder / "finished"
    if not finished.exists():
        print(f"Installing {name} into {folder} (once)", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        install = ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--require-hashes", "-r"]
        subprocess.run([python, *install, requirements], check=True)
        finished.touch()
    return python
