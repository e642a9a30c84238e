"""Settings of what Orchestra talks to inside the installation: database, channel layer, broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

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
    if redis_url:
        return {
            "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis_url]}}
        }
    return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


def secrets_in(*urls: str) -> list[str]:
    """Return the passwords that `urls` carry, as written and decoded."""
    passwords = [urlsplit(url).password or "" for url in urls]
    return [*passwords, *map(unquote, passwords)]
