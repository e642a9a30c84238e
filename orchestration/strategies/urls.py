"""Addresses of the pages of strategies."""

from django.urls import URLPattern, path

from orchestration.strategies.views import ask, judges

app_name = "strategies"
urlpatterns: list[URLPattern] = [
    path("", ask.ask, name="ask"),
    path("ask/preview/", ask.preview, name="ask-preview"),
    path("ask/estimate/", ask.estimate, name="ask-estimate"),
    path("methods/", ask.methods, name="methods"),
    path("methods/judges/", judges.judges, name="judges"),
    path("methods/judges/new/", judges.new, name="rubric-new"),
    path("methods/judges/<uuid:rubric_id>/", judges.rubric, name="rubric"),
    path("methods/judges/<uuid:rubric_id>/try/", judges.try_out, name="rubric-try"),
    path("methods/judges/<uuid:rubric_id>/restore/<int:number>/", judges.restore, name="rubric-restore"),
    path("methods/judges/<uuid:rubric_id>/delete/", judges.delete, name="rubric-delete"),
    path("methods/<slug:name>/", ask.method, name="method"),
]
