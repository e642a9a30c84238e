"""What `doctor` checks whatever apps are installed: settings, data folder, database, broker, channel layer.

Apps add their own checks with `register_check`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from asgiref.sync import async_to_sync
from celery import Celery
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from orchestra_site.settings.environment import Environment, variable_name
from orchestra_site.web.health import (
    EARLIER_ADVICE,
    EARLIER_VERSION,
    Check,
    HealthFinding,
    fail,
    is_of_earlier_version,
    ok,
    warn,
)
from orchestra_site.web.storage import (
    StorageUnusable,
    check_file,
    check_room,
    database_sentence,
    writing_in,
)

ACCESS_OF_OTHERS = 0o077
GENERATED_SECRETS = ("secret_key", "encryption_key")
LEAST_FREE_BYTES = 500_000_000

Version = tuple[int, int, int]
WAL_FIXED: Version = (3, 51, 3)
WAL_BACKPORTS: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7))

MESSAGING_TIMEOUT_S = 3.0
IN_PROCESS = "memory://"


def configuration() -> Iterator[HealthFinding]:
    """Name the profile, unknown variables, and settings that are unsafe or incomplete."""
    environment: Environment = settings.ENV
    yield ok(f"The {environment.profile} profile, from {settings.SETTINGS_MODULE}.")
    yield from misspelled(os.environ)
    if settings.DEBUG:
        yield fail("DEBUG is on: error pages show code and values.", "Set DEBUG = False.")
    if environment.profile == "production" and not environment.behind_proxy:
        yield warn(
            "Plain HTTP is redirected to HTTPS, and no proxy is trusted to say which of them a request used.",
            "Behind a proxy that terminates TLS, set ORCHESTRA_BEHIND_PROXY=true.",
        )


def misspelled(variables: Iterable[str]) -> Iterator[HealthFinding]:
    """Name the environment `variables` that look like settings but are none."""
    known = [variable_name(field) for field in Environment.model_fields]
    for name in sorted(variables):
        if name.startswith("ORCHESTRA_") and name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f"Did you mean {close[0]}?" if close else "docs/settings.md lists them all."
            yield warn(f"{name} is not a setting and has no effect.", advice)


def folder_findings(folder: Path, *, least_free: int) -> Iterator[HealthFinding]:
    """Check that `folder` is writable, private and has `least_free` bytes free."""
    try:
        with writing_in(folder):
            check_room(folder)
    except StorageUnusable as fault:
        yield fail(str(fault), "")
        return
    mode = folder.stat().st_mode & 0o777
    if mode & ACCESS_OF_OTHERS:
        yield warn(f"Others on this machine can look into {folder} ({mode:04o}).", f"chmod 700 {folder}")
    else:
        yield ok(f"Data is kept in {folder}, for its owner only.")
    for path in (folder / name for name in GENERATED_SECRETS):
        mode = path.stat().st_mode & 0o777 if path.exists() else 0
        if mode & ACCESS_OF_OTHERS:
            yield fail(
                f"Others on this machine can read {path} ({mode:04o}).", f"chmod 600 {path}, then renew it."
            )
    free = shutil.disk_usage(folder).free
    if free < least_free:
        yield warn(f"Only {free / 1e6:,.0f} MB are free beside the data.", "Make room before writes fail.")


def database_findings(connection: BaseDatabaseWrapper) -> Iterator[HealthFinding]:
    """Check that the database behind `connection` can be reached, is intact and has all migrations."""
    if connection.vendor == "sqlite" and not Path(str(connection.settings_dict["NAME"])).exists():
        yield fail("There is no database yet.", "Start Orchestra once, or run: python manage.py migrate")
        return
    try:
        yield from _database_state(connection)
    except (StorageUnusable, DatabaseError) as error:
        yield fail(database_sentence(connection, error), "")


def _database_state(connection: BaseDatabaseWrapper) -> Iterator[HealthFinding]:
    if connection.vendor == "sqlite":
        check_file(connection)
        yield wal_finding(sqlite3.sqlite_version_info)
        yield from sqlite_findings(
            mode=_value(connection, "PRAGMA journal_mode"),
            sound=_value(connection, "PRAGMA integrity_check(1)"),
        )
    else:
        yield ok(f"{connection.display_name} {_value(connection, 'SHOW server_version')}.")
    executor = MigrationExecutor(connection)
    if is_of_earlier_version(connection):
        yield fail(EARLIER_VERSION, EARLIER_ADVICE)
    elif plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield fail(f"{len(plan)} migrations are not applied.", "Run: python manage.py migrate")
    else:
        yield ok("All migrations are applied.")


def wal_finding(version: Version) -> HealthFinding:
    """Check whether this version of SQLite has the WAL-reset fault, fixed in 3.51.3, 3.50.7 and 3.44.6."""
    name = ".".join(map(str, version))
    fixed = version >= WAL_FIXED or any(version[:2] == fix[:2] and version >= fix for fix in WAL_BACKPORTS)
    if fixed:
        return ok(f"SQLite {name}.")
    return warn(
        f"SQLite {name} has a rare fault: with several connections, a WAL database can be damaged.",
        "Use a Python built with SQLite 3.51.3 or newer, keep backups, or use PostgreSQL.",
    )


def sqlite_findings(*, mode: str, sound: str) -> Iterator[HealthFinding]:
    """Judge SQLite's journal `mode` and the result of its integrity check, `sound`."""
    if mode != "wal":
        yield warn(f"The journal mode is {mode}, so that readers wait for writers.", "Start Orchestra once.")
    if sound == "ok":
        yield ok("The database is intact.")
    else:
        yield fail(f"The database is damaged: {sound}", "Stop Orchestra and restore a backup.")


def _value(connection: BaseDatabaseWrapper, query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])


def broker() -> Iterator[HealthFinding]:
    """Connect to the broker and count the workers that answer."""
    if settings.CELERY_BROKER_URL.startswith(IN_PROCESS):
        yield ok("Runs are queued inside the process (embedded).")
        return
    app = Celery("doctor", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    with app.connection_for_write(connect_timeout=MESSAGING_TIMEOUT_S) as connection:
        try:
            connection.connect()
        except connection.connection_errors as error:
            yield fail(
                f"The broker cannot be reached: {error}", "Check ORCHESTRA_BROKER_URL or ORCHESTRA_REDIS_URL."
            )
            return
        yield ok("The broker answers.")
        workers = app.control.ping(timeout=1.0, connection=connection)
    if workers:
        yield ok(f"{len(workers)} workers answer.")
    else:
        yield warn(
            "No worker answers: runs stay queued.",
            "Start one: celery -A orchestra_site worker --pool threads",
        )


def channel_layer() -> Iterator[HealthFinding]:
    """Send a message through the channel layer and receive it."""
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        yield ok("Live pages are notified inside the process (embedded).")
        return
    try:
        async_to_sync(_round_trip)(layer)
    except (OSError, RedisError, TimeoutError) as error:
        yield fail(f"The channel layer does not deliver messages: {error}", "Check ORCHESTRA_REDIS_URL.")
    else:
        yield ok("The channel layer delivers messages.")


async def _round_trip(layer: BaseChannelLayer) -> None:
    async with asyncio.timeout(MESSAGING_TIMEOUT_S):
        channel = await layer.new_channel()
        await layer.send(channel, {"type": "doctor.ping"})
        await layer.receive(channel)


DATABASE = "database"
BUILT_IN: Mapping[str, Check] = {
    "settings": configuration,
    "data folder": lambda: folder_findings(settings.DATA_DIR, least_free=LEAST_FREE_BYTES),
    DATABASE: lambda: database_findings(connections[DEFAULT_DB_ALIAS]),
    "broker": broker,
    "channel layer": channel_layer,
}
