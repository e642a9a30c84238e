"""Writing many rows of a table with few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model

Row = Mapping[str, Any]


class Table:
    """The table of a model: all its columns but a key that the database counts up."""

    def __init__(self, model: type[Model]) -> None:
        meta = model._meta  # noqa: SLF001  # Django's documented way to a model's fields
        self._name = meta.db_table
        self._key: Field[Any, Any] = meta.pk
        self._fields: Mapping[str, Field[Any, Any]] = {
            field.attname: field for field in meta.concrete_fields if not isinstance(field, AutoField)
        }

    def insert(self, rows: Sequence[Row], *, once: bool = False) -> None:
        """Insert rows, given by the fields' attribute names; what one leaves out gets its default.

        With `once`, a row that is there already stays as it is.
        """
        parameters = connection.features.max_query_params
        most = parameters // len(self._fields) if parameters else len(rows) or 1
        columns = ", ".join(map(self._column, self._fields.values()))
        places = f"({', '.join(['%s'] * len(self._fields))})"
        otherwise = " ON CONFLICT DO NOTHING" if once else ""
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            values = ", ".join([places] * len(some))
            statement = f"INSERT INTO {_quoted(self._name)} ({columns}) VALUES {values}{otherwise}"  # noqa: S608  # names of models
            with connection.cursor() as cursor:
                cursor.execute(statement, [value for row in some for value in self._values(row)])

    def _values(self, row: Row) -> list[Any]:
        given = [row[name] if name in row else field.get_default() for name, field in self._fields.items()]
        return _prepared(self._fields.values(), given)

    def update(self, changes: Mapping[Any, Row]) -> None:
        """Change columns of rows, given by key; rows that change the same columns share a statement."""
        for names, group in groupby(sorted(changes.items(), key=_names), key=_names):
            fields = [self._fields[name] for name in names]
            columns = ", ".join(f"{self._column(field)} = %s" for field in fields)
            statement = f"UPDATE {_quoted(self._name)} SET {columns} WHERE {self._column(self._key)} = %s"  # noqa: S608  # names of models
            values = [
                _prepared([*fields, self._key], [*(row[name] for name in names), key]) for key, row in group
            ]
            with connection.cursor() as cursor:
                cursor.executemany(statement, values)

    def _column(self, field: Field[Any, Any]) -> str:
        return _quoted(str(field.column))


def _prepared(fields: Iterable[Field[Any, Any]], values: Iterable[Any]) -> list[Any]:
    """Return values in the form that the database expects for their fields."""
    return [field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)]


def _names(change: tuple[Any, Row]) -> tuple[str, ...]:
    return tuple(sorted(change[1]))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
