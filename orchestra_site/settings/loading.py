"""Loading the whole site at the beginning of a process."""

from __future__ import annotations

import gc

import django

from orchestra_site.settings.environment import select_settings


def load_site() -> None:
    """Load the settings of this process's profile and every app.

    What is loaded stays until the process ends: the garbage collector is off meanwhile, and passes over it
    afterwards. Otherwise it would go through all of it again and again, and once more at the end: a third of
    the time of a short command. Raises `ImproperlyConfigured` with what is wrong with the settings.
    """
    gc.disable()
    try:
        select_settings()
        django.setup()
        gc.freeze()
    finally:
        gc.enable()
