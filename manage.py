#!/usr/bin/env python
"""Run Orchestra's commands."""

import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from orchestra_site.settings.environment import select_settings


def main() -> None:
    """Hand the command line to Django, with the settings of this process's profile."""
    try:
        select_settings()
        hasattr(settings, "SECRET_KEY")  # loads them: a command would show a traceback
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
