"""The embedded profile: one process, SQLite, everything on this machine."""

from orchestra_site.settings.base import *  # noqa: F403
