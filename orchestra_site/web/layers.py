"""The channel layer on Redis, for sockets that outlive a Redis that is killed, flushed or hangs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from channels_redis.core import RedisChannelLayer
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

AGAIN_S = 1.0
MOST_CONNECTIONS = 50


class PatientRedisChannelLayer(RedisChannelLayer):  # type: ignore[misc]  # it has no types
    """Waits for messages as long as it takes: Channels would end every socket with the first error.

    Sending and joining raise what they raise; who does it says so and tries again.
    """

    def create_pool(self, index: int) -> BlockingConnectionPool:
        """Return connections that are waited for: when a thousand pages come back at once, all get in."""
        host = dict(self.hosts[index])
        return BlockingConnectionPool.from_url(host.pop("address"), max_connections=MOST_CONNECTIONS, **host)

    async def receive(self, channel: str) -> dict[str, Any]:
        """Return the next message of a channel, whatever happens to Redis meanwhile."""
        while True:
            with suppress(OSError, RedisError):
                message: dict[str, Any] = await super().receive(channel)
                return message
            await asyncio.sleep(AGAIN_S)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Forget a message that was received; one that cannot be forgotten comes twice and does no harm."""
        with suppress(OSError, RedisError):
            await super()._clean_receive_backup(index, channel)
