"""`python -m tests.support.commands`: commands of manage.py, each in a fork of one process.

The process has loaded what they need, which takes most of a command that ends with a refusal. Each fork
runs manage.py from its first line.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
from contextlib import suppress
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from orchestra_site.settings.loading import load_site

COMMANDS = ("orchestra_site.management.commands.up", "orchestra_site.management.commands.doctor")


def load() -> None:
    """Load what the commands share; settings that are refused are left to each command to say."""
    with suppress(ImproperlyConfigured):
        load_site()
        for module in (settings.ROOT_URLCONF, *COMMANDS):
            import_module(module)
        gc.freeze()


def outcome(arguments: list[str]) -> tuple[int, str]:
    """Run one command; return its exit status and what it printed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, sys.stdout.fileno())
        os.dup2(writing, sys.stderr.fileno())
        os.close(reading)
        os.close(writing)
        sys.argv = ["manage.py", *arguments]
        runpy.run_path("manage.py", run_name="__main__")
        sys.exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as printed:
        said = printed.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


if __name__ == "__main__":
    load()
    found = [outcome(arguments) for arguments in json.loads(sys.argv[1])]
    sys.stdout.write(json.dumps(found))
