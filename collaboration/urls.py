"""Addresses of the pages of sessions and line-ups; a line-up called `new` or `start` stands at `new/`."""

from django.urls import URLPattern, path

from collaboration.selectors import KIND
from collaboration.views import lineups, reports, sessions
from orchestration.library.urls import definition_urls

app_name = "sessions"
urlpatterns: list[URLPattern] = [
    path("", sessions.list_sessions, name="list"),
    path("start", sessions.start, name="start"),
    path("runs/<uuid:run>/report", reports.show_report, name="report"),
    path("runs/<uuid:run>/report.md", reports.report_file, name="report-md"),
    path("runs/<uuid:run>/session.json", reports.session_file, name="session-json"),
    path("runs/<uuid:run>/fork", reports.fork, name="fork"),
    path("<slug:name>/", lineups.lineup, name="line-up"),
    path("<slug:name>/run", sessions.start, name="run"),
    *definition_urls(KIND),
]
