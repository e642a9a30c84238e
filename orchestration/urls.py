"""Addresses of orchestration's pages."""

from django.urls import URLPattern, path

from orchestration.llm.views import models, providers
from orchestration.runs.views import run_live, run_steering, runs
from orchestration.strategies.views import ask, methods

app_name = "orchestration"
urlpatterns: list[URLPattern] = [
    path("", ask.ask, name="ask"),
    path("ask/preview/", ask.preview, name="ask-preview"),
    path("ask/estimate/", ask.estimate, name="ask-estimate"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run>/", run_live.show_run, name="run"),
    path("runs/<uuid:run>/json", run_live.show_json, name="run-json"),
    path("runs/<uuid:run>/cancel", run_live.cancel, name="run-cancel"),
    path("runs/<uuid:run>/pause", run_steering.pause, name="run-pause"),
    path("runs/<uuid:run>/resume", run_steering.resume, name="run-resume"),
    path("runs/<uuid:run>/answer/<uuid:question>", run_steering.answer, name="run-answer"),
    path("runs/<uuid:run>/rerun", run_live.rerun, name="run-rerun"),
    path("runs/<uuid:run>/rate", run_live.rate, name="run-rate"),
    path("methods/", methods.methods, name="methods"),
    path("methods/<slug:name>/", methods.method, name="method"),
    path("models/", models.models, name="models"),
    path("models/connect/", providers.connect, name="provider-connect"),
    path("models/recording/", providers.add_recording, name="recording-add"),
    path("models/simulated/", providers.add_simulated, name="simulated-add"),
    path("models/providers/<uuid:provider_id>/", providers.edit, name="provider-edit"),
    path("models/providers/<uuid:provider_id>/test/", providers.test, name="provider-test"),
    path("models/providers/<uuid:provider_id>/forget-key/", providers.forget_key, name="provider-forget-key"),
    path("models/providers/<uuid:provider_id>/switch/", providers.switch, name="provider-switch"),
    path("models/providers/<uuid:provider_id>/delete/", providers.delete, name="provider-delete"),
    path("models/providers/<uuid:provider_id>/choose/", models.choose, name="provider-choose"),
    path("models/providers/<uuid:provider_id>/add/", models.add, name="provider-add"),
    path("models/<uuid:model_id>/", models.model, name="model"),
    path("models/<uuid:model_id>/price/", models.set_price, name="model-price"),
    path("models/<uuid:model_id>/test/", models.test, name="model-test"),
    path("models/<uuid:model_id>/reset/", models.reset, name="model-reset"),
    path("models/<uuid:model_id>/delete/", models.delete, name="model-delete"),
]
