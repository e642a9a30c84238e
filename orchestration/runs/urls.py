"""Addresses of the pages of runs."""

from django.urls import URLPattern, path

from orchestration.runs import views

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("runs/", views.runs, name="runs"),
    path("runs/<uuid:run>/", views.show_run, name="run"),
    path("runs/<uuid:run>/json", views.show_json, name="run-json"),
    path("runs/<uuid:run>/text", views.show_text, name="run-text"),
    path("runs/<uuid:run>/text/<uuid:call>", views.show_text, name="run-call-text"),
    path("runs/<uuid:run>/cancel", views.cancel, name="run-cancel"),
    path("runs/<uuid:run>/pause", views.pause, name="run-pause"),
    path("runs/<uuid:run>/resume", views.resume, name="run-resume"),
    path("runs/<uuid:run>/answer/<uuid:question>", views.answer, name="run-answer"),
    path("runs/<uuid:run>/message", views.message, name="run-message"),
    path("runs/<uuid:run>/rerun", views.rerun, name="run-rerun"),
    path("runs/<uuid:run>/rate", views.rate, name="run-rate"),
]
