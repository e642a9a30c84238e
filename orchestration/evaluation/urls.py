"""Addresses of evaluations and datasets, below those of the methods."""

from django.urls import URLPattern, path

from orchestration.evaluation.views import belief, datasets, evaluations

app_name = "evaluation"
urlpatterns: list[URLPattern] = [
    path("evaluations/", evaluations.evaluation_list, name="list"),
    path("evaluations/new/", evaluations.new, name="new"),
    path("evaluations/<uuid:run>/", evaluations.results, name="results"),
    path(
        "evaluations/<uuid:run>/items/<int:item>/<int:place>/", evaluations.item_outcome, name="item-outcome"
    ),
    path("evaluations/<uuid:run>/results.csv", evaluations.export_csv, name="results-csv"),
    path("evaluations/<uuid:run>/results.json", evaluations.export_json, name="results-json"),
    path("evaluations/<uuid:run>/preset/<int:number>/", evaluations.save_as_preset, name="results-preset"),
    path("belief/", belief.overview, name="belief"),
    path("belief/reset/", belief.reset, name="belief-reset"),
    path("datasets/", datasets.dataset_list, name="datasets"),
    path("datasets/add/", datasets.add, name="dataset-add"),
    path("datasets/rated/", datasets.add_rated, name="dataset-rated"),
    path("datasets/<uuid:pk>/", datasets.dataset, name="dataset"),
    path("datasets/<uuid:pk>/items.jsonl", datasets.export, name="dataset-export"),
    path("datasets/<uuid:pk>/remove/", datasets.remove, name="dataset-remove"),
]
