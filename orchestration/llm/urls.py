"""Addresses of the pages of llm."""

from django.urls import URLPattern, path

from orchestration.llm.views import models, prices, providers

app_name = "llm"
urlpatterns: list[URLPattern] = [
    path("models/", models.models, name="models"),
    path("models/prices/", prices.prices, name="prices"),
    path("models/connect/", providers.connect, name="provider-connect"),
    path("models/recording/", providers.add_recording, name="recording-add"),
    path("models/simulated/", providers.add_simulated, name="simulated-add"),
    path("models/providers/<uuid:provider_id>/", providers.edit, name="provider-edit"),
    path("models/providers/<uuid:provider_id>/test/", providers.test, name="provider-test"),
    path("models/providers/<uuid:provider_id>/forget-key/", providers.forget_key, name="provider-forget-key"),
    path("models/providers/<uuid:provider_id>/switch/", providers.switch, name="provider-switch"),
    path("models/providers/<uuid:provider_id>/delete/", providers.delete, name="provider-delete"),
    path("models/providers/<uuid:provider_id>/choose/", models.choose, name="provider-choose"),
    path("models/providers/<uuid:provider_id>/add/", models.add, name="provider-add"),
    path("models/<uuid:model_id>/", models.model, name="model"),
    path("models/<uuid:model_id>/price/", prices.set_price, name="model-price"),
    path("models/<uuid:model_id>/follow/", prices.follow, name="model-follow"),
    path("models/<uuid:model_id>/test/", models.test, name="model-test"),
    path("models/<uuid:model_id>/reset/", models.reset, name="model-reset"),
    path("models/<uuid:model_id>/delete/", models.delete, name="model-delete"),
]
