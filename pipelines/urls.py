"""Addresses of the pages of pipelines; a pipeline called `new` stands at `new/`."""

from django.urls import URLPattern, path

from pipelines.views import pipelines, run

app_name = "pipelines"
urlpatterns: list[URLPattern] = [
    path("", pipelines.list_pipelines, name="list"),
    path("runs/<uuid:run>/<slug:stage>/again", run.run_again, name="stage-again"),
    path("runs/<uuid:run>/<slug:stage>/value", run.edit_value, name="stage-value"),
]
