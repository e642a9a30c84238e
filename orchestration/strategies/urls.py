"""Addresses of the pages of strategies."""

from django.urls import URLPattern, path

from orchestration.strategies.views import ask, methods

app_name = "strategies"
urlpatterns: list[URLPattern] = [
    path("", ask.ask, name="ask"),
    path("ask/preview/", ask.preview, name="ask-preview"),
    path("ask/estimate/", ask.estimate, name="ask-estimate"),
    path("methods/", methods.methods, name="methods"),
    path("methods/<slug:name>/", methods.method, name="method"),
]
