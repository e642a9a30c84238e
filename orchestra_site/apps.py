"""The shell: settings, addresses, commands."""

from django.apps import AppConfig


class OrchestraSiteConfig(AppConfig):
    """The shell as an app, for its commands."""

    name = "orchestra_site"
    label = "orchestra_site"
