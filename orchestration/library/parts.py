"""Lists of definitions: those that the team has saved and those that come with Orchestra, with figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_site.accounts.models import Membership
from orchestration.library.kinds import DefinitionKind
from orchestration.library.models import SavedDefinition
from orchestration.library.selectors import (
    RunFigures,
    listed_definitions,
    newest_documents,
    run_figures,
)
from orchestration.llm.engine.types import Json
from orchestration.runs.kinds import Startable

MORE_PROPERTIES: Mapping[str, Json] = {
    "system": {"type": "string", "title": "Instructions"},
    "models": {"type": "array", "title": "Models"},
}


def question_schema(title: str, more: str) -> Mapping[str, Json]:
    """Return the JSON Schema of what a form for a question sends: a text, something `more`, limits."""
    text, limits = {"type": "string", "title": title}, {"type": "object", "title": "Limits"}
    properties = {"text": text, more: MORE_PROPERTIES[more], "constraints": limits}
    return {"properties": properties, "required": ["text"]}


@dataclass(frozen=True, kw_only=True, slots=True)
class DefinitionLine:
    """A definition in a list: one that the team has saved, or one of the gallery, which has no `definition`.

    `document` is the newest version, or the draft where none is published and it can be read. What comes
    with Orchestra counts as published.
    """

    name: str
    title: str
    description: str
    definition: SavedDefinition | None
    document: Json
    figures: RunFigures
    is_published: bool

    def startable(self, schema: Mapping[str, Json], words: str = "") -> Startable:
        """Return what a member can start with it; without a description `words` sum it up."""
        return Startable(
            ref=self.name,
            title=self.title,
            summary=self.description.partition("\n")[0] or words,
            schema=schema,
            cost_usd=self.figures.median_usd,
            seconds=self.figures.median_s,
        )


def definition_lines(membership: Membership, kind: DefinitionKind[Any]) -> Mapping[str, DefinitionLine]:
    """Return the team's definitions by name, then those of the gallery that the team has not saved."""
    documents = newest_documents(membership, kind.name)
    rows: list[tuple[str, str, str, SavedDefinition | None, Json]] = [
        (row.name, str(row), row.description, row, documents[row.name] or kind.read(row.draft, {}).document)
        for row in listed_definitions(membership, kind.name).defer(None).defer("sample")
    ]
    rows += [
        (each.name, each.title, each.description, None, each.document)
        for each in kind.gallery.values()
        if each.name not in documents
    ]
    figures = run_figures(membership, kind.name, [name for name, *_ in rows])
    return {
        name: DefinitionLine(
            name=name,
            title=title,
            description=description,
            definition=row,
            document=document,
            figures=figures[name],
            is_published=row is None or documents[name] is not None,
        )
        for name, title, description, row, document in rows
    }
