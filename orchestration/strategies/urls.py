"""Addresses of the pages of strategies."""

from django.urls import URLPattern, path

from orchestration.strategies import views

app_name = "strategies"
urlpatterns: list[URLPattern] = [
    path("", views.ask, name="ask"),
    path("ask/preview/", views.preview, name="ask-preview"),
    path("ask/estimate/", views.estimate, name="ask-estimate"),
    path("methods/", views.methods, name="methods"),
    path("methods/<slug:name>/", views.method, name="method"),
]
