"""Addresses of the pages of pipelines; a pipeline called `new` stands at `new/`."""

from django.urls import URLPattern, path

from pipelines.views import editor, pipelines, run, triggers, versions

app_name = "pipelines"
urlpatterns: list[URLPattern] = [
    path("", pipelines.list_pipelines, name="list"),
    path("new", pipelines.new, name="new"),
    path("import", versions.import_pipelines, name="import"),
    path("<slug:name>/", editor.editor, name="pipeline"),
    path("<slug:name>/run", pipelines.run, name="run"),
    path("<slug:name>/rename", pipelines.rename, name="rename"),
    path("<slug:name>/delete", pipelines.delete, name="delete"),
    path("<slug:name>/versions/", versions.versions, name="versions"),
    path("<slug:name>/versions/<int:number>/restore", versions.restore, name="restore"),
    path("<slug:name>/publish", versions.publish, name="publish"),
    path("<slug:name>/export.yaml", versions.export, {"syntax": "yaml"}, name="export-yaml"),
    path("<slug:name>/export.json", versions.export, {"syntax": "json"}, name="export-json"),
    path("runs/<uuid:run>/<slug:stage>/again", run.run_again, name="stage-again"),
    path("runs/<uuid:run>/<slug:stage>/value", run.edit_value, name="stage-value"),
    path("<slug:name>/triggers/", triggers.show_triggers, name="triggers"),
    path("<slug:name>/triggers/<uuid:trigger>/switch", triggers.switch, name="trigger-switch"),
    path("<slug:name>/triggers/<uuid:trigger>/delete", triggers.delete, name="trigger-delete"),
]
