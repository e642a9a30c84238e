"""Addresses of the sockets."""

from __future__ import annotations

from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path, re_path

from orchestration.runs.consumers import NowhereConsumer, RunConsumer, TeamConsumer


def _served_by(consumer: type[AsyncWebsocketConsumer]) -> Any:  # noqa: ANN401
    """Return the consumer as what `path` takes for a view: to its types sockets are unknown."""
    return cast("Any", consumer.as_asgi())


websocket_urlpatterns: list[Any] = [
    path("ws/runs/<uuid:run>/", _served_by(RunConsumer), name="run-socket"),
    path("ws/team/<uuid:team>/", _served_by(TeamConsumer), name="team-socket"),
    re_path("", _served_by(NowhereConsumer), name="no-socket"),
]
