"""Addresses of the pages of pipelines; a pipeline called `new` stands at `new/`."""

from django.urls import URLPattern, path

from pipelines.views import pipelines, triggers

app_name = "pipelines"
urlpatterns: list[URLPattern] = [
    path("", pipelines.list_pipelines, name="list"),
    path("<slug:name>/triggers/", triggers.show_triggers, name="triggers"),
    path("<slug:name>/triggers/<uuid:trigger>/switch", triggers.switch, name="trigger-switch"),
    path("<slug:name>/triggers/<uuid:trigger>/delete", triggers.delete, name="trigger-delete"),
]
