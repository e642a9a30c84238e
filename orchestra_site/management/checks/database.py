"""The database: is it reachable, sound and up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from orchestra_site.web.health import Finding, fail, ok, warn

Version = tuple[int, int, int]
WAL_FIXED: Version = (3, 51, 3)
WAL_BACKPORTS: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7))


def database() -> Iterator[Finding]:
    """Look at the default database."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield fail(f"The database cannot be reached: {error}", "Check ORCHESTRA_DATABASE_URL and the server.")
        return
    yield from _sqlite() if connection.vendor == "sqlite" else _server()
    yield _migrations()


def wal_finding(version: Version) -> Finding:
    """Say whether SQLite of this version has the WAL-reset fault, mended in 3.51.3, 3.50.7 and 3.44.6."""
    name = ".".join(map(str, version))
    mended = version >= WAL_FIXED or any(version[:2] == fix[:2] and version >= fix for fix in WAL_BACKPORTS)
    if mended:
        return ok(f"SQLite {name}.")
    return warn(
        f"SQLite {name} has a rare fault: with several connections, a WAL database can be damaged.",
        "Use a Python built with SQLite 3.51.3 or newer, keep backups, or use PostgreSQL (docs/settings.md).",
    )


def _sqlite() -> Iterator[Finding]:
    yield wal_finding(sqlite3.sqlite_version_info)
    mode, sound = _value("PRAGMA journal_mode"), _value("PRAGMA integrity_check(1)")
    if mode != "wal":
        yield warn(f"The journal mode is {mode}, so that readers wait for writers.", "Start Orchestra once.")
    if sound == "ok":
        yield ok("The database is sound.")
    else:
        yield fail(f"The database is damaged: {sound}", "Stop Orchestra and restore a backup.")


def _server() -> Iterator[Finding]:
    yield ok(f"{connection.display_name} {_value('SHOW server_version')}.")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return fail(f"{len(plan)} migrations are not applied.", "Run: python manage.py migrate")
    return ok("All migrations are applied.")


def _value(query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
