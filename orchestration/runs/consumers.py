"""The sockets of live pages: join, check, look, send. Doorbells say when to look, tables what there is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable
from channels.generic.websocket import AsyncWebsocketConsumer

from orchestra_site.accounts.selectors import team_membership
from orchestra_site.web.errors import DATABASE_AWAY
from orchestra_site.web.logs import ThrottledWarning
from orchestra_site.web.threads import in_thread
from orchestration.runs import live
from orchestration.runs.parts.lookout import Lookout
from orchestration.runs.parts.news import CountQuestion, Question, counts_for, news_for
from orchestration.runs.parts.streams import Streams
from orchestration.runs.selectors.runs_live import running_texts, team_of_run

logger = logging.getLogger(__name__)
_AWAY = ThrottledWarning(logger, "The database does not answer (%s); live pages are asked to reconnect.")

TICK_S = 2.0
GAP_TICK_S = 0.5
GATHER_S = 0.02
"""How long a doorbell is let ring on: what comes within it goes into one message."""
JOIN_EVERY_S = 10.0
"""A Redis that was emptied has forgotten who listens, and does not say so."""

NEWS = Lookout(news_for)
COUNTS = Lookout(counts_for)


class CloseCode(IntEnum):
    """Why a socket is closed. Pages reconnect after `RESTART` and after no other of these.

    All are private: Daphne lets an application send no code of the standard but 1000.
    """

    BAD_ADDRESS = 4400
    SIGNED_OUT = 4401
    NOT_A_MEMBER = 4403
    NOT_FOUND = 4404
    RESTART = 4503


class Closed(Exception):
    """The socket has to be closed."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class LiveConsumer(AsyncWebsocketConsumer):
    """Looks at the tables when a doorbell rings, and every few seconds without one; sends what it finds."""

    group = ""
    _join_at = 0.0
    _watching: asyncio.Task[None] | None = None

    async def __call__(
        self,
        scope: Any,  # noqa: ANN401  # its type exists for checkers only
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        """Serve one socket; however it ends, nothing of it stays behind."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.leave()

    async def connect(self) -> None:
        """Let members in; a refused socket is accepted first, so that the browser learns the code."""
        self.bell = asyncio.Event()
        await self.accept()
        async with self._closing():
            self.user = self._signed_in()
            self.group = await self.join()
            self._watching = asyncio.create_task(self._watch())

    async def leave(self) -> None:
        """Stop looking and listening."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self.group:
            await live.leave_group(self.group, self.channel_name)

    async def join(self) -> str:
        """Check who is there and return the group to listen to. Raises `Closed`."""
        raise NotImplementedError

    async def look(self) -> float:
        """Send what is new and return the seconds until the next look without a doorbell. Raises `Closed`."""
        raise NotImplementedError

    async def _watch(self) -> None:
        async with self._closing():
            while True:
                await self._listen()
                pause = await self.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self.bell.wait()
                        await asyncio.sleep(GATHER_S)

    async def _listen(self) -> None:
        """Join the group, again and again; while that fails, the page follows by looking."""
        now = asyncio.get_running_loop().time()
        if now >= self._join_at and await live.join_group(self.group, self.channel_name):
            self._join_at = now + JOIN_EVERY_S

    @contextlib.asynccontextmanager
    async def _closing(self) -> AsyncIterator[None]:
        """Close the socket with the code that fits what goes wrong within."""
        try:
            yield
        except Closed as reason:
            await self._end(reason.code)
        except DATABASE_AWAY as error:
            _AWAY.warn(error)
            await self._end(CloseCode.RESTART)
        except Exception:
            logger.exception("A live page's socket failed; the browser is asked to reconnect.")
            await self._end(CloseCode.RESTART)

    async def _end(self, code: CloseCode) -> None:
        await self.close(code.value)  # a plain int: Daphne closes with nothing else

    def _signed_in(self) -> UUID:
        """Return who is there. Raises `Closed`."""
        user = self.scope["user"]
        if user is None or not user.is_authenticated:
            raise Closed(CloseCode.SIGNED_OUT)
        return UUID(str(user.pk))


class RunConsumer(LiveConsumer):
    """Keeps a run's page in step, from the event number on that the page was rendered at."""

    async def join(self) -> str:
        """Find the run and where the page stands."""
        self.run: UUID = self.scope["url_route"]["kwargs"]["run"]
        self.seq = self._after()
        self.streams = Streams()
        self._frames: list[live.RunText] = []
        self._rang, self._looked_at, self._notice = True, 0.0, ""
        self._started = False
        await in_thread(self._check)
        live.viewer_joined(self.run)
        return live.run_group(self.run)

    async def leave(self) -> None:
        """Count one viewer less."""
        if self.group:
            live.viewer_left(self.run)
        await super().leave()

    async def run_changed(self, message: live.RunChanged) -> None:  # noqa: ARG002  # a doorbell says nothing else
        """Look at the tables."""
        self._rang = True
        self.bell.set()

    async def run_text(self, message: live.RunText) -> None:
        """Show a piece of text."""
        self._frames.append(message)
        self.bell.set()

    async def look(self) -> float:
        """Send events first, then text."""
        self.bell.clear()
        loop = asyncio.get_running_loop()
        if self._rang or loop.time() - self._looked_at >= TICK_S:
            self._rang, self._looked_at = False, loop.time()
            await self._send_batches()
        frames, self._frames = self._frames, []
        await self._send("".join(self.streams.frame(f["call"], f["offset"], f["text"]) for f in frames))
        if self.streams.gaps:
            await self._send(self.streams.fill(await in_thread(running_texts, self.run, self.streams.gaps)))
        return GAP_TICK_S if self.streams.gaps else TICK_S

    async def _send_batches(self) -> None:
        """Send all that came after the page's number."""
        more = True
        while more:
            news = await NEWS.ask(Question(self.user, self.run, self.seq))
            if not news.found:
                raise Closed(CloseCode.NOT_FOUND)
            if not news.member:
                raise Closed(CloseCode.NOT_A_MEMBER)
            if news.batch is not None:
                self.seq, self._notice = news.batch.seq, ""
                await self._send(news.batch.html + self.streams.draw(news.batch.running, news.batch.drawn))
            elif news.notice not in {"", self._notice}:
                self._notice = news.notice
                await self._send(news.notice)
            more = news.more
        if not self._started:
            self._started = True
            await self._send(self.streams.start(await in_thread(running_texts, self.run)))

    async def _send(self, html: str) -> None:
        if html:
            await self.send(text_data=html)

    def _after(self) -> int:
        """Return the number in the address. Raises `Closed`."""
        asked = parse_qs(self.scope["query_string"].decode("latin-1")).get("after", ["0"])[-1]
        if not (asked.isascii() and asked.isdigit() and len(asked) < 10):  # noqa: PLR2004  # what a column holds
            raise Closed(CloseCode.BAD_ADDRESS)
        return int(asked)

    def _check(self) -> None:
        """Check that the run is one of the member's. Raises `Closed`: a stranger learns nothing."""
        team = team_of_run(self.run)
        if team is None or team_membership(self.user, team) is None:
            raise Closed(CloseCode.NOT_FOUND)


class TeamConsumer(LiveConsumer):
    """Keeps the top bar's running count in step."""

    async def join(self) -> str:
        """Check that the user is in the team."""
        self.team: UUID = self.scope["url_route"]["kwargs"]["team"]
        self._shown = ""
        if await COUNTS.ask(CountQuestion(self.user, self.team)) is None:
            raise Closed(CloseCode.NOT_FOUND)
        return live.team_group(self.team)

    async def team_changed(self, message: live.TeamChanged) -> None:  # noqa: ARG002  # a doorbell says nothing else
        """Look at the tables."""
        self.bell.set()

    async def look(self) -> float:
        """Send the count when it has changed."""
        self.bell.clear()
        html = await COUNTS.ask(CountQuestion(self.user, self.team))
        if html is None:
            raise Closed(CloseCode.NOT_A_MEMBER)
        if html != self._shown:
            self._shown = html
            await self.send(text_data=html)
        return TICK_S


class NowhereConsumer(AsyncWebsocketConsumer):
    """Refuses what asks for an address that no socket has."""

    async def connect(self) -> None:
        """Deny the handshake."""
        await self.close()
