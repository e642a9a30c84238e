"""Addresses of the pages of sessions and line-ups; a line-up called `new` or `start` stands at `new/`."""

from django.urls import URLPattern, path

from collaboration.selectors import KIND
from collaboration.views import lineups, sessions
from orchestration.library.urls import definition_urls

app_name = "sessions"
urlpatterns: list[URLPattern] = [
    path("", sessions.list_sessions, name="list"),
    path("start", sessions.start, name="start"),
    path("<slug:name>/", lineups.lineup, name="line-up"),
    path("<slug:name>/run", sessions.start, name="run"),
    *definition_urls(KIND),
]
