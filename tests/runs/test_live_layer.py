"""The channel layer on a real Redis: who waits for a message outlives whatever happens to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from channels_redis.core import RedisChannelLayer
from redis.exceptions import RedisError

from orchestra_site.settings import backends
from orchestra_site.web.layers import RetryingRedisLayer
from tests.support.redis_server import RedisServer, needs_redis, running_redis

pytestmark = needs_redis
LONGER_THAN_REDIS_WAITS_S = RedisChannelLayer.brpop_timeout + 0.6
PATIENCE_S = 20.0
LOOK: dict[str, Any] = {"type": "look"}


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
async def layer(redis: RedisServer) -> AsyncIterator[RetryingRedisLayer]:
    layer = RetryingRedisLayer(**backends.channel_layers(redis.url)["default"]["CONFIG"])
    yield layer
    await layer.close_pools()


async def test_silence_longer_than_redis_waits_is_no_error(layer: RetryingRedisLayer) -> None:
    channel = await layer.new_channel()
    heard = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(LONGER_THAN_REDIS_WAITS_S)
    await layer.send(channel, LOOK)
    assert await asyncio.wait_for(heard, PATIENCE_S) == LOOK
    assert backends.LISTEN_TIMEOUT_S > LONGER_THAN_REDIS_WAITS_S


async def test_who_waits_hears_again_from_a_redis_that_was_killed(
    layer: RetryingRedisLayer, redis: RedisServer
) -> None:
    channel = await layer.new_channel()
    heard = asyncio.create_task(layer.receive(channel))
    await layer.group_add("run", channel)
    redis.kill()
    with pytest.raises(RedisError):
        await layer.group_add("run", channel)
    redis.start()
    await layer.group_add("run", channel)
    await layer.group_send("run", LOOK)
    assert await asyncio.wait_for(heard, PATIENCE_S) == LOOK


async def test_a_thousand_who_join_at_once_all_get_in(redis: RedisServer) -> None:
    # What is tried is that none is refused; the deadlines are those of a machine that has other work, too.
    unhurried = dict.fromkeys(("socket_connect_timeout", "socket_timeout", "timeout"), 300.0)
    layer = RetryingRedisLayer(hosts=[{"address": redis.url, **unhurried}], expiry=300)
    channels = [await layer.new_channel() for _ in range(1000)]
    await asyncio.gather(*(layer.group_add("run", channel) for channel in channels))
    await layer.group_send("run", LOOK)
    assert await asyncio.gather(*map(layer.receive, channels)) == [LOOK] * 1000
    await layer.close_pools()


async def test_a_message_that_cannot_be_forgotten_is_no_error(
    layer: RetryingRedisLayer, redis: RedisServer
) -> None:
    redis.kill()
    await layer._clean_receive_backup(0, "asgi.nobody")
