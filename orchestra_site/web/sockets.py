"""What holds for every socket, whoever serves it."""

from __future__ import annotations

import logging

from orchestra_site.web.errors import DATABASE_AWAY
from orchestra_site.web.limits import Application, Event, Receive, Send
from orchestra_site.web.seldom import Seldom

_AWAY = Seldom(
    logging.getLogger(__name__), "The database does not answer (%s); live pages are refused and try again."
)


class KnownOnly:
    """An ASGI wrapper that refuses sockets while the database cannot say who is there."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve a socket, or refuse the handshake; browsers try that again."""
        try:
            await self._app(scope, receive, send)
        except DATABASE_AWAY as error:
            _AWAY.warn(error)
            await send({"type": "websocket.close"})
