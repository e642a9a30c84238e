"""Addresses of orchestration's pages."""

from django.urls import URLPattern, path

from orchestration.views import ask, run_live, runs

app_name = "orchestration"
urlpatterns: list[URLPattern] = [
    path("", ask.ask, name="ask"),
    path("ask/preview/", ask.preview, name="ask-preview"),
    path("ask/estimate/", ask.estimate, name="ask-estimate"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run>/", run_live.show_run, name="run"),
    path("runs/<uuid:run>/json", run_live.show_json, name="run-json"),
    path("runs/<uuid:run>/cancel", run_live.cancel, name="run-cancel"),
    path("runs/<uuid:run>/rerun", run_live.rerun, name="run-rerun"),
    path("runs/<uuid:run>/rate", run_live.rate, name="run-rate"),
]
