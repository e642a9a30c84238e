"""Settings of what the installation runs on: database, channel layer, broker and log."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

CONNECT_TIMEOUT_S = 1.0
ANSWER_TIMEOUT_S = 2.5
LOCK_TIMEOUT_S = 20
"""For how long a write waits for a database, or a table of it, that others keep locked."""
LISTEN_TIMEOUT_S = 10.0
"""Longer than the five seconds for which the channel layer lets Redis block for a message."""
LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
WAL = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings for `url` (postgresql://user:password@host:port/name?option=value).

    Without one, SQLite in the data folder. Raises `ImproperlyConfigured`.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data_dir / "orchestra.sqlite3",
            "OPTIONS": {"timeout": LOCK_TIMEOUT_S, "transaction_mode": "IMMEDIATE", "init_command": WAL},
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.lstrip("/"):
        raise ImproperlyConfigured(
            "ORCHESTRA_DATABASE_URL must read postgresql://user:password@host:port/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"options": f"-c lock_timeout={LOCK_TIMEOUT_S}s"}
        | dict(parse_qsl(parts.query, keep_blank_values=True)),
    }


def channel_layers(redis_url: str) -> dict[str, Any]:
    """Return CHANNEL_LAYERS: Redis between processes, or memory inside this one if `redis_url` is empty."""
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    timeouts = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": LISTEN_TIMEOUT_S}
    return {
        "default": {
            "BACKEND": "orchestra_site.web.layers.RetryingRedisLayer",
            "CONFIG": {"hosts": [{"address": redis_url, **timeouts}]},
        }
    }


def broker_options(url: str) -> dict[str, Any]:
    """Return Celery's transport options for the broker at `url`.

    A page that queues a run gives up on an unreachable broker after one short retry: the sweeper queues the
    run again.
    """
    if url.startswith("memory:"):
        return {"polling_interval": 0.01}  # seconds; a second would pass otherwise
    retries = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0, "interval_max": 0.0}
    if url.startswith(("redis:", "rediss:")):
        return retries | {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": ANSWER_TIMEOUT_S}
    # Or a RabbitMQ that hangs would seem to take every run, and keep who closes a connection to it.
    return retries | {"confirm_publish": True, "read_timeout": ANSWER_TIMEOUT_S}


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one stream for all loggers, with known secrets redacted.

    Loggers to which Django gives handlers of their own propagate to the root instead.
    """
    propagated = {"handlers": [], "propagate": True}
    quiet = {"level": "WARNING"} if level == "INFO" else {}  # these log every request and every start
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "orchestra_site.web.logs.RedactingFormatter", "format": LOG_LINE},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {"django": {**propagated, "level": level}, "django.server": propagated}
        | dict.fromkeys(("daphne", "httpx", "celery", "asyncio", "axes"), quiet),
    }


def passwords_in(*urls: str) -> list[str]:
    """Return the passwords in `urls`, as written and decoded; "" for a URL without one."""
    passwords = [urlsplit(url).password or "" for url in urls]
    return [*passwords, *map(unquote, passwords)]
