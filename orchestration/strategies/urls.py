"""Addresses of the pages of strategies."""

from django.urls import URLPattern, URLResolver, include, path

from orchestration.library.urls import definition_urls
from orchestration.strategies.selectors import PRESET
from orchestration.strategies.views import ask, judges, presets

app_name = "strategies"
preset_urls: list[URLPattern] = [
    path("", presets.presets, name="list"),
    path("save", presets.save_as_preset, name="save"),
    path("<slug:name>/", presets.preset, name="preset"),
    path("<slug:name>/run", presets.ask_with_preset, name="run"),
    *definition_urls(PRESET),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", ask.ask, name="ask"),
    path("ask/preview/", ask.preview, name="ask-preview"),
    path("ask/estimate/", ask.estimate, name="ask-estimate"),
    path("methods/", ask.methods, name="methods"),
    path("methods/presets/", include((preset_urls, "presets"))),
    path("methods/judges/", judges.judges, name="judges"),
    path("methods/judges/new/", judges.rubric, name="rubric-new"),
    path("methods/judges/<uuid:rubric_id>/", judges.rubric, name="rubric"),
    path("methods/judges/<uuid:rubric_id>/try/", judges.try_out, name="rubric-try"),
    path("methods/judges/<uuid:rubric_id>/restore/<int:number>/", judges.restore, name="rubric-restore"),
    path("methods/judges/<uuid:rubric_id>/delete/", judges.delete, name="rubric-delete"),
    path("methods/<slug:name>/", ask.method, name="method"),
]
