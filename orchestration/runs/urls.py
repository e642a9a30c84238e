"""Addresses of the pages of runs."""

from django.urls import URLPattern, path

from orchestration.runs.views import history, inbox, run

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("runs/", history.runs, name="runs"),
    path("runs/export.csv", history.export_csv, name="runs-csv"),
    path("runs/export.json", history.export_json, name="runs-json"),
    path("runs/compare", history.compare, name="runs-compare"),
    path("runs/delete", history.delete, name="runs-delete"),
    path("runs/<uuid:run>/", run.show_run, name="run"),
    path("runs/<uuid:run>/delete", history.delete, name="run-delete"),
    path("runs/<uuid:run>/json", run.show_json, name="run-json"),
    path("runs/<uuid:run>/question", run.show_question, name="run-question"),
    path("runs/<uuid:run>/text", run.show_text, name="run-text"),
    path("runs/<uuid:run>/text/<uuid:call>", run.show_text, name="run-call-text"),
    path("runs/<uuid:run>/cancel", run.cancel, name="run-cancel"),
    path("runs/<uuid:run>/pause", run.pause, name="run-pause"),
    path("runs/<uuid:run>/resume", run.resume, name="run-resume"),
    path("runs/<uuid:run>/answer/<uuid:question>", inbox.answer, name="run-answer"),
    path("runs/<uuid:run>/answer/<uuid:question>/undo", inbox.undo_answer, name="run-undo"),
    path("inbox/", inbox.show_inbox, name="inbox"),
    path("runs/<uuid:run>/message", run.message, name="run-message"),
    path("runs/<uuid:run>/rerun", run.rerun, name="run-rerun"),
    path("runs/<uuid:run>/rate", run.rate, name="run-rate"),
]
