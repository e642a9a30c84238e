"""Addresses of the pages of pipelines; a pipeline called `new` stands at `new/`."""

from django.urls import URLPattern, path

from orchestration.library.urls import definition_urls
from pipelines.selectors import KIND
from pipelines.views import editor, pipelines, run

app_name = "pipelines"
urlpatterns: list[URLPattern] = [
    path("", pipelines.list_pipelines, name="list"),
    path("<slug:name>/", editor.editor, name="pipeline"),
    path("<slug:name>/run", pipelines.run, name="run"),
    path("runs/<uuid:run>/<slug:stage>/again", run.run_again, name="stage-again"),
    path("runs/<uuid:run>/<slug:stage>/value", run.edit_value, name="stage-value"),
    *definition_urls(KIND),
]
