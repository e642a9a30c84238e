"""Writing many rows of a table with few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import (
    AutoField,
    BooleanField,
    CharField,
    Field,
    FloatField,
    JSONField,
    Model,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    TextField,
)

from orchestration.runs.models import Call, Command, Event, HumanQuestion, Run, RunStatus, Step, Timer

Row = Mapping[str, Any]
PLAIN = {BooleanField, CharField, FloatField, PositiveIntegerField, PositiveSmallIntegerField, TextField}
"""The fields whose values a database is given as they are."""


class Table:
    """The table of a model: all its columns but a key that the database counts up."""

    def __init__(self, model: type[Model]) -> None:
        meta = model._meta  # noqa: SLF001  # Django's documented way to a model's fields
        self._name = _quoted(meta.db_table)
        self._key: Field[Any, Any] = meta.pk
        self._fields: Mapping[str, Field[Any, Any]] = {
            field.attname: field for field in meta.concrete_fields if not isinstance(field, AutoField)
        }
        self._plain = {name for name, field in self._fields.items() if type(field) in PLAIN}
        self._columns = ", ".join(map(_column, self._fields.values()))
        self._places = f"({', '.join(['%s'] * len(self._fields))})"

    def insert(self, rows: Sequence[Row], *, once: bool = False) -> None:
        """Insert rows, given by the fields' attribute names; what one leaves out gets its default.

        With `once`, a row that is there already stays as it is.
        """
        parameters = connection.features.max_query_params
        most = parameters // len(self._fields) if parameters else len(rows) or 1
        otherwise = " ON CONFLICT DO NOTHING" if once else ""
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            values = ", ".join([self._places] * len(some))
            statement = f"INSERT INTO {self._name} ({self._columns}) VALUES {values}{otherwise}"  # noqa: S608  # names of models
            columns = [self._prepared_column(name, field, some) for name, field in self._fields.items()]
            with connection.cursor() as cursor:
                cursor.execute(statement, [value for row in zip(*columns, strict=True) for value in row])

    def _prepared_column(self, name: str, field: Field[Any, Any], rows: Sequence[Row]) -> list[Any]:
        """Return the values of a column as the database expects them; one that recurs is prepared once.

        The connection is looked up once: Django's `connection` does it for each attribute.
        """
        given = [row[name] if name in row else field.get_default() for row in rows]
        if name in self._plain:
            return given
        database = connections[DEFAULT_DB_ALIAS]
        if isinstance(field, JSONField):
            adapted = database.ops.adapt_json_value
            return [None if value is None else adapted(value, field.encoder) for value in given]
        last: Any = given  # no row has it
        prepared: Any = None
        for number, value in enumerate(given):
            if value is not last:
                last, prepared = value, field.get_db_prep_save(value, database)
            given[number] = prepared
        return given

    def with_rows(self, run: UUID) -> bool:
        """Return whether there is a row of a run."""
        database, field = connections[DEFAULT_DB_ALIAS], self._fields["run_id"]
        with database.cursor() as cursor:
            statement = f"SELECT 1 FROM {self._name} WHERE {_column(field)} = %s LIMIT 1"  # noqa: S608  # names of models
            cursor.execute(statement, [field.get_db_prep_save(run, database)])
            return cursor.fetchone() is not None

    def update(self, changes: Mapping[Any, Row]) -> None:
        """Change columns of rows, given by key; rows that change the same columns share a statement."""
        for names, group in groupby(sorted(changes.items(), key=_names), key=_names):
            columns = ", ".join(f"{_column(self._fields[name])} = %s" for name in names)
            statement = f"UPDATE {self._name} SET {columns} WHERE {_column(self._key)} = %s"  # noqa: S608  # names of models
            keys, rows = zip(*group, strict=True)
            prepared = [self._prepared_column(name, self._fields[name], rows) for name in names]
            ids = [self._key.get_db_prep_save(key, connection) for key in keys]
            with connection.cursor() as cursor:
                cursor.executemany(statement, list(zip(*prepared, ids, strict=True)))


def _names(change: tuple[Any, Row]) -> tuple[str, ...]:
    return tuple(sorted(change[1]))


def _column(field: Field[Any, Any]) -> str:
    return _quoted(str(field.column))


@cache
def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


RUNS, STEPS, CALLS, EVENTS = map(Table, (Run, Step, Call, Event))
QUESTIONS, TIMERS, COMMANDS = map(Table, (HumanQuestion, Timer, Command))


CLAIMED = {"id", "team_id", "kind", "ref", "request", "panel", "seed", "fence", "started_at", "last_seq"}
"""What a claim reads of a run; what else is needed of it is read when it is."""


def queued_run(run: UUID) -> Run | None:
    """Lock a run that is queued, and return it; None for any other.

    This is done for each claim, and takes a fifth of the time of the same query made by the ORM.
    """
    database, meta = connections[DEFAULT_DB_ALIAS], Run._meta  # noqa: SLF001  # Django's documented way
    fields = [field for field in meta.concrete_fields if field.attname in CLAIMED]
    statement = (
        f"SELECT {', '.join(map(_column, fields))} FROM {_quoted(meta.db_table)}"  # noqa: S608  # names of models
        f" WHERE id = %s AND status = %s{' FOR UPDATE' if database.features.has_select_for_update else ''}"
    )
    with database.cursor() as cursor:
        cursor.execute(statement, [meta.pk.get_db_prep_save(run, database), RunStatus.QUEUED.value])
        found = cursor.fetchone()
    if found is None:
        return None
    values = list(found)
    for place, field in enumerate(fields):
        column = field.cached_col
        for convert in (*database.ops.get_db_converters(column), *column.get_db_converters(database)):
            values[place] = convert(values[place], column, database)
    return Run.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], values)


def locked_runs(runs: Collection[UUID]) -> dict[tuple[UUID, int], int]:
    """Lock those of some runs that are running; return the number of the newest event by run and fence.

    This is done for each commit, and takes a third of the time of the same query made by the ORM.
    """
    key, features = Run._meta.pk, connection.features  # noqa: SLF001  # Django's documented way
    statement = (
        f"SELECT id, fence, last_seq FROM {_quoted(Run._meta.db_table)}"  # noqa: S608, SLF001  # names of models
        f" WHERE status = %s AND id IN ({', '.join(['%s'] * len(runs))}) ORDER BY id"
        f"{' FOR UPDATE' if features.has_select_for_update else ''}"
    )
    ids = [key.get_db_prep_save(run, connection) for run in runs]
    with connection.cursor() as cursor:
        cursor.execute(statement, [RunStatus.RUNNING.value, *ids])
        found = cursor.fetchall()
    return {(run if isinstance(run, UUID) else UUID(run), fence): newest for run, fence, newest in found}
