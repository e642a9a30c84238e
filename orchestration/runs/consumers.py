"""The sockets of live pages: subscribe, check, query, send."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import HASH_SESSION_KEY

from orchestra_site.web.errors import DATABASE_AWAY
from orchestra_site.web.logs import ThrottledWarning
from orchestra_site.web.threads import in_thread
from orchestration.runs import live
from orchestration.runs.kinds import large_kinds
from orchestration.runs.parts.frames import messages
from orchestration.runs.parts.queries import (
    CountQuery,
    NoAccess,
    QueryBatcher,
    RunQuery,
    run_updates,
    running_counts,
)
from orchestration.runs.parts.streams import Streams
from orchestration.runs.selectors.run_state import Viewer, running_texts

logger = logging.getLogger(__name__)
_AWAY = ThrottledWarning(logger, "The database does not answer (%s); live pages are asked to reconnect.")
_GONE = ThrottledWarning(logger, "A browser went away while its page was brought up to date (%s).")

QUERY_EVERY_S = 2.0
"""Seconds between two queries without a notification."""
QUERY_GAPS_EVERY_S = 0.5
GATHER_S = 0.02
"""What comes within this time after a notification goes into the same message."""
SUBSCRIBE_EVERY_S = 10.0
"""A Redis that was emptied has lost all subscriptions, and does not report it."""

RUN_UPDATES = QueryBatcher(run_updates)
COUNTS = QueryBatcher(running_counts)


class CloseCode(IntEnum):
    """Why a socket is closed. Pages reconnect after `RESTART` and after no other of these.

    All are private: Daphne lets an application send no code of the standard but 1000.
    """

    BAD_ADDRESS = 4400
    SIGNED_OUT = 4401
    NOT_A_MEMBER = 4403
    NOT_FOUND = 4404
    ROLE_CHANGED = 4409
    RESTART = 4503


CLOSE_CODES = {
    NoAccess.NOT_FOUND: CloseCode.NOT_FOUND,
    # The page reconnects with the session that its browser has by now, if any: a changed password renews it.
    NoAccess.SIGNED_OUT: CloseCode.RESTART,
    NoAccess.NOT_A_MEMBER: CloseCode.NOT_A_MEMBER,
    NoAccess.ROLE_CHANGED: CloseCode.ROLE_CHANGED,
}


class Vanished(Exception):
    """The browser went away while something was sent to it."""


class Closed(Exception):
    """The socket has to be closed."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class LiveConsumer(AsyncWebsocketConsumer):
    """Queries the tables when it is notified, and every few seconds without that; sends what is new."""

    group = ""
    _following: asyncio.Task[None] | None = None

    async def __call__(
        self,
        scope: Any,  # noqa: ANN401  # its type exists for checkers only
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        """Serve one socket; however it ends, its task and its subscription end with it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.leave()

    async def connect(self) -> None:
        """Let members in; a refused socket is accepted first, so that the browser learns the code."""
        self.changed = asyncio.Event()
        await self.accept()
        async with self._closing():
            user = self.scope["user"]
            if user is None or not user.is_authenticated:
                raise Closed(CloseCode.SIGNED_OUT)
            session = self.scope["session"]
            self.viewer = Viewer(UUID(str(user.pk)), str(session.session_key), session[HASH_SESSION_KEY])
            self.role = ""
            self.group = await self.join()
            self._following = asyncio.create_task(self._follow())

    async def send_pieces(self, pieces: Iterable[str]) -> None:
        """Send pieces of HTML in few messages, none too large. Raises `Vanished`."""
        try:
            for message in messages(pieces):
                await self.send(text_data=message)
        except (OSError, RuntimeError) as error:  # each server has errors of its own for a closed connection
            raise Vanished(repr(error)) from error

    async def leave(self) -> None:
        """End the task and the subscription."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        if self.group:
            await live.leave_group(self.group, self.channel_name)

    async def join(self) -> str:
        """Check the user's membership and return the group to subscribe to. Raises `Closed`."""
        raise NotImplementedError

    async def update(self) -> float:
        """Send what is new and return the seconds until the next query without a notification.

        Raises `Closed`.
        """
        raise NotImplementedError

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        subscribe_at = 0.0
        async with self._closing():
            while True:
                # While subscribing fails, the page follows by queries alone.
                if loop.time() >= subscribe_at and await live.join_group(self.group, self.channel_name):
                    subscribe_at = loop.time() + SUBSCRIBE_EVERY_S
                pause = await self.update()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self.changed.wait()
                        await asyncio.sleep(GATHER_S)

    @contextlib.asynccontextmanager
    async def _closing(self) -> AsyncIterator[None]:
        """Close the socket with the code that fits what goes wrong within."""
        code: CloseCode | None = CloseCode.RESTART
        try:
            yield
            code = None
        except Closed as reason:
            code = reason.code
        except DATABASE_AWAY as error:
            _AWAY.warn(error)
        except Vanished as error:
            _GONE.warn(error)
            code = None
        except Exception:
            logger.exception("A live page's socket failed; the browser is asked to reconnect.")
        if code is not None:
            with contextlib.suppress(OSError, RuntimeError):  # the browser went away meanwhile
                await self.close(code.value)  # a plain int: Daphne closes with nothing else


class RunConsumer(LiveConsumer):
    """Sends a run's page what came after the event number that it was rendered at."""

    async def join(self) -> str:
        """Find the page's event number, and the run if it is of a team of the user's."""
        self.run: UUID = self.scope["url_route"]["kwargs"]["run"]
        after = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not (after.isascii() and after.isdigit() and len(after) < 10):  # noqa: PLR2004  # a column's width
            raise Closed(CloseCode.BAD_ADDRESS)
        self.seq = int(after)
        self.streams = Streams(self.run)
        self._texts: list[live.RunText] = []
        self._notified, self._queried_at, self._notice = True, 0.0, ""
        self._started = False
        found = await RUN_UPDATES.ask(RunQuery(self.viewer, self.run, self.seq))
        if isinstance(found, NoAccess):
            raise Closed(CloseCode.RESTART if found is NoAccess.SIGNED_OUT else CloseCode.NOT_FOUND)
        self.role = found.role
        live.viewer_joined(self.run)
        return live.run_group(self.run)

    async def leave(self) -> None:
        """Count one viewer less."""
        if self.group:
            live.viewer_left(self.run)
        await super().leave()

    async def run_changed(self, message: live.RunChanged) -> None:  # noqa: ARG002  # it has no content
        """Query the tables soon."""
        self._notified = True
        self.changed.set()

    async def run_text(self, message: live.RunText) -> None:
        """Send a piece of text soon."""
        self._texts.append(message)
        self.changed.set()

    async def update(self) -> float:
        """Send events first, then text."""
        self.changed.clear()
        loop = asyncio.get_running_loop()
        if self._notified or loop.time() - self._queried_at >= QUERY_EVERY_S:
            self._notified, self._queried_at = False, loop.time()
            await self._send_events()
        texts, self._texts = self._texts, []
        await self.send_pieces([self.streams.extend(t["call"], t["offset"], t["text"]) for t in texts])
        if self.streams.gaps:
            await self.send_pieces(
                self.streams.fill(await in_thread(running_texts, self.run, self.streams.gaps))
            )
        return QUERY_GAPS_EVERY_S if self.streams.gaps else QUERY_EVERY_S

    async def _send_events(self) -> None:
        """Send all that came after the page's number.

        At the start the texts of calls follow that the page has already; one that began since is not on it.
        """
        large = large_kinds()
        before = {} if self._started else await in_thread(running_texts, self.run, large=large)
        more = True
        while more:
            found = await RUN_UPDATES.ask(RunQuery(self.viewer, self.run, self.seq, self.role))
            if isinstance(found, NoAccess):
                raise Closed(CLOSE_CODES[found])
            if (update := found.update) is not None:
                self.seq, self._notice = update.seq, ""
                await self.send_pieces([*update.pieces, *self.streams.draw(update.running, update.drawn)])
            elif found.notice not in {"", self._notice}:
                self._notice = found.notice
                await self.send_pieces([found.notice])
            more = found.more
        if not self._started:
            self._started = True
            rows = await in_thread(running_texts, self.run, before, large=large)
            await self.send_pieces(self.streams.start(rows))


class TeamConsumer(LiveConsumer):
    """Sends the top bar of a team's pages the count of runs that are under way."""

    async def join(self) -> str:
        """Check that the user is in the team."""
        self.team: UUID = self.scope["url_route"]["kwargs"]["team"]
        self._shown = ""
        found = await COUNTS.ask(CountQuery(self.viewer, self.team))
        if isinstance(found, NoAccess):
            raise Closed(CloseCode.RESTART if found is NoAccess.SIGNED_OUT else CloseCode.NOT_FOUND)
        self.role = found[0]
        return live.team_group(self.team)

    async def team_changed(self, message: live.TeamChanged) -> None:  # noqa: ARG002  # it has no content
        """Query the tables soon."""
        self.changed.set()

    async def update(self) -> float:
        """Send the count when it has changed."""
        self.changed.clear()
        found = await COUNTS.ask(CountQuery(self.viewer, self.team, self.role))
        if isinstance(found, NoAccess):
            raise Closed(CLOSE_CODES[found])
        _, html = found
        if html != self._shown:
            self._shown = html
            await self.send_pieces([html])
        return QUERY_EVERY_S


class NowhereConsumer(AsyncWebsocketConsumer):
    """Refuses what asks for an address that no socket has."""

    async def connect(self) -> None:
        """Deny the handshake."""
        await self.close()
