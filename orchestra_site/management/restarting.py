"""`python -m orchestra_site.management.restarting COMMAND...`: run a command, and again after SIGABRT only.

With that signal the watchdog ends a process whose event loop stands still; a shell reports it as exit status
134. `make run` starts Orchestra with this; on a server systemd does the same.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

AGAIN = (-signal.SIGABRT, 128 + signal.SIGABRT)


def run_again_after_abort(command: Sequence[str]) -> int:
    """Run a command until it ends in another way; return its exit status as a shell would report it.

    SIGTERM is passed on. Ctrl-C reaches the command by itself: a terminal sends it to both.
    """
    running: list[subprocess.Popen[bytes]] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            running[-1].terminate()

    while True:
        running = [subprocess.Popen(command)]  # noqa: S603  # the command that this program was given
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        status = running[0].wait()
        if status not in AGAIN:
            return 128 - status if status < 0 else status
        print("Orchestra starts again: its event loop had stood still.", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run_again_after_abort(sys.argv[1:]))
