"""The channel layer on Redis, for sockets that survive a Redis that is killed, flushed or hangs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from channels_redis.core import RedisChannelLayer
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

RETRY_AFTER_S = 1.0
MOST_CONNECTIONS = 50


class RetryingRedisLayer(RedisChannelLayer):  # type: ignore[misc]  # it has no types
    """Retries receiving for as long as a socket is open: Channels would close it on the first error.

    Sending and joining a group still raise; their callers log it and retry.
    """

    def create_pool(self, index: int) -> BlockingConnectionPool:
        """Return a pool that blocks when exhausted, so that a thousand pages can reconnect at once."""
        host = dict(self.hosts[index])
        return BlockingConnectionPool.from_url(host.pop("address"), max_connections=MOST_CONNECTIONS, **host)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Return the next message of a channel; retry while Redis fails."""
        while True:
            with suppress(OSError, RedisError):
                message: dict[str, Any] = await super().receive(channel)
                return message
            await asyncio.sleep(RETRY_AFTER_S)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Delete the backup of a received message; if that fails, a harmless second delivery follows."""
        with suppress(OSError, RedisError):
            await super()._clean_receive_backup(index, channel)
