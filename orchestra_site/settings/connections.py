"""Settings of what Orchestra talks to inside the installation: database, channel layer, broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

CONNECT_WITHIN_S, ANSWER_WITHIN_S = 1.0, 2.5
LISTEN_WITHIN_S = 10.0
"""Longer than the five seconds for which the channel layer has Redis wait for a message."""
WAL = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for `url` (postgresql://user:password@host:port/name?option=value).

    Without one, SQLite in the data folder. Raises `ImproperlyConfigured`.
    """
    return _postgresql(url) if url else sqlite(data_dir / "orchestra.sqlite3")


def sqlite(path: Path) -> dict[str, Any]:
    """Return Django's settings for the SQLite file at `path`."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": WAL},
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.lstrip("/"):
        message = "ORCHESTRA_DATABASE_URL must read postgresql://user:password@host:port/name."
        raise ImproperlyConfigured(message)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def channel_layers(redis_url: str) -> dict[str, Any]:
    """Return the channel layer between processes, or the one inside this process without Redis."""
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    patience = {"socket_connect_timeout": CONNECT_WITHIN_S, "socket_timeout": LISTEN_WITHIN_S}
    return {
        "default": {
            "BACKEND": "orchestra_site.web.layers.PatientRedisChannelLayer",
            "CONFIG": {"hosts": [{"address": redis_url, **patience}]},
        }
    }


def broker_options(url: str) -> dict[str, Any]:
    """Return how Celery talks to the broker: a page that queues a run waits a moment for one that is away.

    The sweeper sees to what the broker did not take.
    """
    if url.startswith("memory:"):
        return {"polling_interval": 0.01}  # seconds; a second would pass otherwise
    patience = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0, "interval_max": 0.0}
    if url.startswith(("redis:", "rediss:")):
        return patience | {"socket_connect_timeout": CONNECT_WITHIN_S, "socket_timeout": ANSWER_WITHIN_S}
    return patience


def secrets_in(*urls: str) -> list[str]:
    """Return the passwords that `urls` carry, as written and decoded."""
    passwords = [urlsplit(url).password or "" for url in urls]
    return [*passwords, *map(unquote, passwords)]
