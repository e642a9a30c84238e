"""Definitions that come from files and leave as files: what an import would do, the import, exports."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

from django.db import transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.expressions.changes import Change
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json
from pipelines.engine.definition import Pipeline
from pipelines.engine.differences import changes
from pipelines.models import SavedPipeline
from pipelines.selectors import DraftReading, TeamPipelines, check_document, read_draft, team_pipelines
from pipelines.services.definitions import create_pipeline, save_draft

MOST_DOCUMENTS = 100
LARGEST_IMPORT = 4_000_000
"""Bytes of a file: of more no definitions are made."""
SEVERAL = "pipelines"
"""The key of a document that holds several definitions as a list."""


class ImportStep(StrEnum):
    """What an import does with one definition."""

    CREATE = "create"
    CHANGE = "change"
    SAME = "same"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedDefinition:
    """One definition of an import: what would be done with it, and why.

    `changes` are against the draft that it would replace. One with problems can be imported as a draft, as
    long as all of its fields can be read.
    """

    name: str
    step: ImportStep
    text: str
    reading: DraftReading
    changes: Sequence[Change] = ()


def planned_import(membership: Membership, text: str) -> Sequence[ImportedDefinition]:
    """Return what an import of a text in YAML or JSON would do, and do nothing.

    Raises `InvalidRequest` at `text` for one that holds no definitions.
    """
    syntax = syntax_of(text)
    try:
        written = read_document(text, syntax)
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="text") from None
    documents = _documents(written)
    first = [check_document(document, {}) for document in documents]
    named = {each.pipeline.name: each.pipeline for each in first if each.pipeline is not None}
    if len(named) < sum(each.pipeline is not None for each in first):
        raise InvalidRequest("Two of the definitions have the same name.", field="text")
    known = ChainMap(named, cast("dict[str, Pipeline]", TeamPipelines(membership)))
    rows = {row.name: row for row in team_pipelines(membership).filter(name__in=named)}
    kept = text if syntax == "yaml" and documents == [written] else ""
    return [_planned(check_document(document, known), rows, kept) for document in documents]


def syntax_of(text: str) -> Literal["yaml", "json"]:
    """Return what a text is written in."""
    return "json" if text.lstrip()[:1] in {"{", "["} else "yaml"


def _documents(written: Json) -> list[Json]:
    """Return the definitions of a document. Raises `InvalidRequest`."""
    several = written.get(SEVERAL) if isinstance(written, dict) else written
    documents = several if isinstance(several, list) else [written]
    if not documents or not all(isinstance(each, dict) for each in documents):
        raise InvalidRequest("There is no definition of a pipeline in this text.", field="text")
    if len(documents) > MOST_DOCUMENTS:
        raise InvalidRequest(f"At most {MOST_DOCUMENTS} pipelines can be imported at once.", field="text")
    return documents


def _planned(reading: DraftReading, rows: Mapping[str, SavedPipeline], kept: str) -> ImportedDefinition:
    """Return what is done with one definition; `kept` is its text as it was written, where that can stay."""
    if reading.pipeline is None:
        written = reading.document.get("name") if isinstance(reading.document, dict) else None
        name = written[:40] if isinstance(written, str) else ""
        return ImportedDefinition(name=name, step=ImportStep.REFUSE, text="", reading=reading)
    name = reading.pipeline.name
    text = kept if kept and not reading.upgrades else write_yaml(reading.document)
    if name not in rows:
        return ImportedDefinition(name=name, step=ImportStep.CREATE, text=text, reading=reading)
    stands = read_draft(rows[name].draft, {}).pipeline
    found = changes(stands, reading.pipeline) if stands is not None else ()
    step = ImportStep.CHANGE if stands is None or found else ImportStep.SAME
    return ImportedDefinition(name=name, step=step, text=text, reading=reading, changes=found)


@transaction.atomic
def import_definitions(membership: Membership, text: str) -> Sequence[ImportedDefinition]:
    """Create or change drafts from a text in YAML or JSON, all or none. Raises `InvalidRequest` at `text`."""
    planned = planned_import(membership, text)
    if refused := [each for each in planned if each.step is ImportStep.REFUSE]:
        problem = refused[0].reading.problems[0]
        at = f"{refused[0].name or 'A definition'}: {problem.path}".rstrip(": ")
        raise InvalidRequest(f"{at}: {problem.message} Nothing was imported.", field="text")
    for each in planned:
        if each.step is ImportStep.CREATE:
            create_pipeline(membership=membership, name=each.name, text=each.text, source="a file")
        elif each.step is ImportStep.CHANGE:
            row = SavedPipeline.objects.visible_to(membership).get(name=each.name)
            save_draft(membership=membership, pipeline=row, text=each.text, based_on=row.draft_number)
            record_change(membership=membership, action=AuditAction.PIPELINE_IMPORTED, subject=each.name)
    return planned


def exported(document: Json, syntax: Literal["yaml", "json"]) -> str:
    """Return a definition, or several under `pipelines`, as the text of a file."""
    return (
        write_yaml(document)
        if syntax == "yaml"
        else json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    )
