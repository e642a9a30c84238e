"""Web: what every app's pages share."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The shared web parts as an app, for its template tags."""

    name = "orchestra_site.web"
    label = "web"
