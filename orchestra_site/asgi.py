"""The server's entry: pages over HTTP, live pages over sockets."""

from __future__ import annotations

from typing import cast

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

from orchestra_site.settings.environment import select_settings
from orchestra_site.web.asgi import BodyLimit, SocketDatabaseGate
from orchestra_site.web.proxies import ClientAddress, SameOrigin
from orchestra_site.web.server import harden_server
from orchestra_site.web.sockets import Application

select_settings()
harden_server()
pages = get_asgi_application()

# Models can be imported only once Django is set up, which `get_asgi_application` does.
from orchestration.runs.routing import websocket_urlpatterns  # noqa: E402

signed_in = cast("Application", AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
sockets = SocketDatabaseGate(SameOrigin(signed_in))
site = ClientAddress(
    ProtocolTypeRouter({"http": pages, "websocket": sockets}), trusted=settings.TRUSTED_PROXIES
)
application = BodyLimit(site, max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
