"""Addresses of the pages of pipelines; a pipeline called `new` stands at `new/`."""

from django.urls import URLPattern, path

from pipelines.views import pipelines

app_name = "pipelines"
urlpatterns: list[URLPattern] = [
    path("", pipelines.list_pipelines, name="list"),
]
