"""`python -m benchmarks`: every figure, one script after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

SCRIPTS = (
    *("strategies", "startup", "viewers", "plurality", "belief", "stopping", "methods"),
    *("routing", "floods", "pipelines", "sessions", "editor"),
)

if __name__ == "__main__":
    failed = 0
    for script in SCRIPTS:
        print(f"\n{script}", flush=True)
        failed |= subprocess.run(
            [sys.executable, "-m", f"benchmarks.{script}", *sys.argv[1:]], check=False
        ).returncode
    sys.exit(failed)
