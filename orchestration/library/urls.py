"""Addresses of the pages of a kind's definitions, which its app includes among its own."""

from __future__ import annotations

from django.urls import URLPattern, path

from orchestration.library.views import triggers, versions


def definition_urls(kind: str) -> list[URLPattern]:
    """Return the addresses of the pages that definitions of every kind have."""
    of_kind = {"kind": kind}
    yaml, as_json = {**of_kind, "syntax": "yaml"}, {**of_kind, "syntax": "json"}
    return [
        path("new", versions.new_page, of_kind, name="new"),
        path("import", versions.import_page, of_kind, name="import"),
        path("<slug:name>/rename", versions.rename, of_kind, name="rename"),
        path("<slug:name>/delete", versions.delete, of_kind, name="delete"),
        path("<slug:name>/versions/", versions.versions, of_kind, name="versions"),
        path("<slug:name>/versions/<int:number>/restore", versions.restore, of_kind, name="restore"),
        path("<slug:name>/publish", versions.publish, of_kind, name="publish"),
        path("<slug:name>/export.yaml", versions.export, yaml, name="export-yaml"),
        path("<slug:name>/export.json", versions.export, as_json, name="export-json"),
        path("<slug:name>/triggers/", triggers.show_triggers, of_kind, name="triggers"),
        path("<slug:name>/triggers/<uuid:trigger>/switch", triggers.switch, of_kind, name="trigger-switch"),
        path("<slug:name>/triggers/<uuid:trigger>/delete", triggers.delete, of_kind, name="trigger-delete"),
    ]
