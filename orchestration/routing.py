"""Addresses of the sockets."""

from __future__ import annotations

from django.urls import path, re_path

from orchestration.consumers import NowhereConsumer, RunConsumer, TeamConsumer

websocket_urlpatterns = [
    path("ws/runs/<uuid:run>/", RunConsumer.as_asgi(), name="run-socket"),
    path("ws/team/<uuid:team>/", TeamConsumer.as_asgi(), name="team-socket"),
    re_path("", NowhereConsumer.as_asgi(), name="no-socket"),
]
