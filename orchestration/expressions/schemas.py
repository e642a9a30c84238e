"""Schemas in JSON Schema, draft 2020-12."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import jsonschema

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What does not fit: where, as `items[3].name`, and why."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that was read."""

    written: Json

    def problems(self, value: Json) -> tuple[SchemaProblem, ...]:
        """Return what does not fit the schema, at most `MOST_PROBLEMS`."""
        found = jsonschema.Draft202012Validator(self.written).iter_errors(value)
        return tuple(
            SchemaProblem(each.json_path.removeprefix("$").removeprefix("."), each.message)
            for each in islice(found, MOST_PROBLEMS)
        )


def parse_schema(schema: Json) -> Schema:
    """Read a schema. Raises `ExpressionError`."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ExpressionError(error.message) from error
    return Schema(schema)
