#!/usr/bin/env python
"""Run Orchestra's commands."""

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from orchestra_site.settings.loading import load_site


def main() -> None:
    """Hand the command line to Django, with the settings of this process's profile."""
    try:
        load_site()
    except ImproperlyConfigured as error:  # a command would show a traceback
        sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
