"""Addresses of orchestration's pages."""

from django.urls import URLPattern

app_name = "orchestration"
urlpatterns: list[URLPattern] = []
