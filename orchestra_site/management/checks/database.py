"""The database: is it reachable, sound and up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from orchestra_site.web.health import Finding, fail, ok, warn

Version = tuple[int, int, int]
WAL_FIXED: Version = (3, 51, 3)
WAL_BACKPORTS: tuple[Version, ...] = ((3, 44, 6), (3, 50, 7))


def database() -> Iterator[Finding]:
    """Look at the default database."""
    yield from database_findings(connections[DEFAULT_DB_ALIAS])


def database_findings(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    """Say whether the database behind `connection` can be reached, is sound and has all its tables."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield fail(f"The database cannot be reached: {error}", "Check ORCHESTRA_DATABASE_URL and the server.")
        return
    if connection.vendor == "sqlite":
        yield wal_finding(sqlite3.sqlite_version_info)
        yield from sqlite_findings(
            mode=_value(connection, "PRAGMA journal_mode"),
            sound=_value(connection, "PRAGMA integrity_check(1)"),
        )
    else:
        yield ok(f"{connection.display_name} {_value(connection, 'SHOW server_version')}.")
    yield _migrations(connection)


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


def sqlite_findings(*, mode: str, sound: str) -> Iterator[Finding]:
    """Say what SQLite's journal `mode` and the answer to its integrity check mean."""
    if mode != "wal":
        yield warn(f"The journal mode is {mode}, so that readers wait for writers.", "Start Orchestra once.")
    if sound == "ok":
        yield ok("The database is sound.")
    else:
        yield fail(f"The database is damaged: {sound}", "Stop Orchestra and restore a backup.")


def _migrations(connection: BaseDatabaseWrapper) -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        return fail(f"{len(plan)} migrations are not applied.", "Run: python manage.py migrate")
    return ok("All migrations are applied.")


def _value(connection: BaseDatabaseWrapper, query: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])
