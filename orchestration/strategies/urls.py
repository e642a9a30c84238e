"""Addresses of the pages of strategies."""

from django.urls import URLPattern, URLResolver, include, path

from orchestration.library.urls import definition_urls
from orchestration.strategies import views
from orchestration.strategies.selectors import PRESET

app_name = "strategies"
presets: list[URLPattern] = [
    path("", views.presets, name="list"),
    path("save", views.save_as_preset, name="save"),
    path("<slug:name>/", views.preset, name="preset"),
    path("<slug:name>/run", views.ask_with_preset, name="run"),
    *definition_urls(PRESET),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.ask, name="ask"),
    path("ask/preview/", views.preview, name="ask-preview"),
    path("ask/estimate/", views.estimate, name="ask-estimate"),
    path("methods/", views.methods, name="methods"),
    path("methods/presets/", include((presets, "presets"))),
    path("methods/<slug:name>/", views.method, name="method"),
]
