"""Definitions that come from files and leave as files: what an import would do, the import, exports."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, cast

from django.db import transaction

from orchestra_site.accounts.models import AuditAction, Membership
from orchestra_site.accounts.services import record_change
from orchestration.expressions.documents import read_document, write_yaml
from orchestration.expressions.errors import ExpressionError
from orchestration.library.kinds import DefinitionKind, DefinitionReading, Remark
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import saved_definitions, version_number
from orchestration.library.services.definitions import create_definition, save_draft
from orchestration.llm.engine.errors import InvalidRequest
from orchestration.llm.engine.types import Json

MOST_DOCUMENTS = 100
LARGEST_IMPORT = 4_000_000
"""Bytes of a file: of more no definitions are made."""


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
    reading: DefinitionReading[Any, Remark]
    changes: Sequence[Remark] = ()

    @property
    def summary(self) -> dict[str, Json]:
        """What commands print of it as JSON: a contract."""
        said = {"errors": self.reading.problems, "upgrades": self.reading.upgrades}
        return {"name": self.name, "step": self.step.value, **{key: as_json(said[key]) for key in said}}


def as_json(remarks: Sequence[Remark]) -> list[dict[str, Json]]:
    """Return remarks as commands print them in JSON: a contract."""
    return [{"path": each.path, "message": each.message} for each in remarks]


def planned_import(
    membership: Membership, kind: DefinitionKind[Any], text: str
) -> Sequence[ImportedDefinition]:
    """Return what an import of a text in YAML or JSON would do, and do nothing.

    Raises `InvalidRequest` at `text` for one that holds no definitions.
    """
    syntax = syntax_of(text)
    try:
        written = read_document(text, syntax)
    except ExpressionError as error:
        raise InvalidRequest(str(error), field="text") from None
    documents = _documents(kind, written)
    found = [each for each in (kind.check(document, {}).definition for document in documents) if each]
    named = {each.name: each for each in found}
    if len(named) < len(found):
        raise InvalidRequest("Two of the definitions have the same name.", field="text")
    known = ChainMap(named, cast("dict[str, Any]", kind.known(membership)))
    rows = {row.name: row for row in saved_definitions(membership, kind.name).filter(name__in=named)}
    kept = text if syntax == "yaml" and documents == [written] else ""
    return [_planned(kind, kind.check(document, known), rows, kept) for document in documents]


def syntax_of(text: str) -> Literal["yaml", "json"]:
    """Return what a text is written in."""
    return "json" if text.lstrip()[:1] in {"{", "["} else "yaml"


def _documents(kind: DefinitionKind[Any], written: Json) -> list[Json]:
    """Return the definitions of a document: one, a list, or an object with a list under the kind's plural.

    Raises `InvalidRequest`.
    """
    several = written.get(kind.plural) if isinstance(written, dict) else written
    documents = several if isinstance(several, list) else [written]
    if not documents or not all(isinstance(each, dict) for each in documents):
        raise InvalidRequest(f"There is no definition of a {kind.noun} in this text.", field="text")
    if len(documents) > MOST_DOCUMENTS:
        raise InvalidRequest(f"At most {MOST_DOCUMENTS} {kind.plural} can be imported at once.", field="text")
    return documents


def _planned(
    kind: DefinitionKind[Any],
    reading: DefinitionReading[Any, Remark],
    rows: Mapping[str, SavedDefinition],
    kept: str,
) -> ImportedDefinition:
    """Return what is done with one definition; `kept` is its text as it was written, where that can stay."""
    if reading.definition is None:
        written = reading.document.get("name") if isinstance(reading.document, dict) else None
        name = written[:40] if isinstance(written, str) else ""
        return ImportedDefinition(name=name, step=ImportStep.REFUSE, text="", reading=reading)
    name = reading.definition.name
    text = kept if kept and not reading.upgrades else write_yaml(reading.document)
    if name not in rows:
        return ImportedDefinition(name=name, step=ImportStep.CREATE, text=text, reading=reading)
    current = kind.read(rows[name].draft, {}).definition
    found = kind.differences(current, reading.definition)
    step = ImportStep.CHANGE if current is None or found else ImportStep.SAME
    return ImportedDefinition(name=name, step=step, text=text, reading=reading, changes=found)


@transaction.atomic
def import_definitions(
    membership: Membership, kind: DefinitionKind[Any], text: str
) -> Sequence[ImportedDefinition]:
    """Create or change drafts from a text in YAML or JSON, all or none. Raises `InvalidRequest` at `text`."""
    planned = planned_import(membership, kind, text)
    if refused := [each for each in planned if each.step is ImportStep.REFUSE]:
        problem = refused[0].reading.problems[0]
        at = f"{refused[0].name or 'A definition'}: {problem.path}".rstrip(": ")
        raise InvalidRequest(f"{at}: {problem.message} Nothing was imported.", field="text")
    for each in planned:
        if each.step is ImportStep.CREATE:
            create_definition(
                membership=membership, kind=kind, name=each.name, text=each.text, source="a file"
            )
        elif each.step is ImportStep.CHANGE:
            row = saved_definitions(membership, kind.name).get(name=each.name)
            save_draft(membership=membership, definition=row, text=each.text, based_on=row.draft_number)
            action, after = AuditAction.DEFINITION_IMPORTED, {"of": kind.noun}
            record_change(membership=membership, action=action, subject=each.name, after=after)
    return planned


def exported(document: Json, syntax: Literal["yaml", "json"]) -> str:
    """Return a definition as the text of a file."""
    if syntax == "yaml":
        return write_yaml(document)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def exported_definition(
    row: SavedDefinition, kind: DefinitionKind[Any], version: str, syntax: Literal["yaml", "json"]
) -> str | None:
    """Return a version as the text of a file, None where there is none: a number, `draft` or `latest`.

    The draft keeps its comments in YAML; in JSON there is none of one that cannot be read.
    """
    if version == "draft" and syntax == "yaml":
        return row.draft
    if version == "draft":
        document = kind.read(row.draft, {}).document
    else:
        wanted = {} if version == "latest" else {"number": version_number(version)}
        document = row.versions.filter(**wanted).values_list("document", flat=True).first()
    return None if document is None else exported(document, syntax)


def file_text(what: str) -> str | None:
    """Return the text of a file, None where there is none of this name. Raises `InvalidRequest`."""
    path = Path(what)
    if not path.is_file():
        return None
    if path.stat().st_size > LARGEST_IMPORT:
        raise InvalidRequest("The file is too large for a definition.", field="FILE")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The file is no text in UTF-8.", field="FILE") from None


def saved_text(
    membership: Membership,
    kind: DefinitionKind[Any],
    name: str,
    version: str,
    syntax: Literal["yaml", "json"] = "yaml",
) -> str:
    """Return a saved definition as text, the draft for `latest` where nothing is published.

    Raises `InvalidRequest`.
    """
    row = saved_definitions(membership, kind.name).filter(name=name).first()
    if row is None:
        missing = f"There is neither a file nor a {kind.noun} called {name!r}."
        raise InvalidRequest(missing, field="FILE|NAME")
    found = exported_definition(row, kind, version, syntax)
    if found is None and version == "latest":
        found = exported_definition(row, kind, "draft", syntax)
    if found is None:
        lacks = "draft that can be read" if version in {"latest", "draft"} else f"version {version}"
        raise InvalidRequest(f"The {kind.noun} {name!r} has no {lacks}.", field="--version")
    return found
