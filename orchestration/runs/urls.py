"""Addresses of the pages of runs."""

from django.urls import URLPattern, path

from orchestration.runs.views import run_live, run_steering, runs

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run>/", run_live.show_run, name="run"),
    path("runs/<uuid:run>/json", run_live.show_json, name="run-json"),
    path("runs/<uuid:run>/cancel", run_live.cancel, name="run-cancel"),
    path("runs/<uuid:run>/pause", run_steering.pause, name="run-pause"),
    path("runs/<uuid:run>/resume", run_steering.resume, name="run-resume"),
    path("runs/<uuid:run>/answer/<uuid:question>", run_steering.answer, name="run-answer"),
    path("runs/<uuid:run>/rerun", run_live.rerun, name="run-rerun"),
    path("runs/<uuid:run>/rate", run_live.rate, name="run-rate"),
]
