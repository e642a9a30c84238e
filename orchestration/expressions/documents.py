"""Documents in YAML and JSON, read within limits, and written as YAML that people read."""

from __future__ import annotations

import json
from typing import Literal

import yaml

from orchestration.expressions.errors import ExpressionError
from orchestration.expressions.values import Json

LONGEST = 1_000_000
"""Characters of a document."""


def read_document(text: str, syntax: Literal["yaml", "json"]) -> Json:
    """Return what a document says. Raises `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"A document has up to {LONGEST:,} characters.")
    try:
        return json.loads(text) if syntax == "json" else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ExpressionError(str(error)) from error


def write_yaml(document: Json) -> str:
    """Return a document as YAML."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
