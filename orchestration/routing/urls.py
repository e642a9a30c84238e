"""Addresses of the pages of the router; a rule set called `state` or `dry-run` stands at `state/`."""

from django.urls import URLPattern

from orchestration.library.urls import definition_urls
from orchestration.routing.selectors import KIND

app_name = "routing"
urlpatterns: list[URLPattern] = [*definition_urls(KIND)]
